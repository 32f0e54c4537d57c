import ControlStages
import Foundation
import Synchronization
import Testing

/// A service isn't put to sleep under somebody's work, and what limits it ends it all the same.
@Suite struct LastWordTests {
    private static let now = 1_795_420_800
    private static let task = "arn:aws:ecs:us-east-1:1:task/fluidity/one"

    /// A task that has run for two hours, idle for 40 minutes by its reports.
    private func idle(_ change: (inout FakeAWS.State) -> Void = { _ in }) -> FakeAWS {
        FakeAWS { state in
            state.desired = 1
            state.running = 1
            state.tags["fluidity:begun"] = "\(Self.now - 7_300)"
            let start = Double(Self.now - 7_200)
            state.runningTasks = [
                [
                    "arn": Self.task, "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "createdAt": "\(start - 42)",
                    "startedAt": "\(start)",
                ]
            ]
            let minutes = stride(from: Self.now - 2_400, through: Self.now - 60, by: 60).map(Double.init)
            state.metrics["LastActivityEpochSeconds"] = minutes.map { ($0, Double(Self.now - 2_400)) }
            change(&state)
        }
    }

    private func tag(_ aws: FakeAWS, _ key: String) -> String? { aws.state.withLock { $0.tags["fluidity:" + key] } }

    // MARK: - The server's last word

    @Test func aTaskThatIsProtectedIsInUseWhateverIsReported() async throws {
        let aws = idle { $0.protected = [Self.task] }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .noChange && answer.reason == "it is in use: the server says so")
        #expect(aws.state.withLock { $0.wanted } == [])
        // That it can be asked is remembered.
        #expect(tag(aws, "protects") == "one")
    }

    @Test(arguments: ["Complete", "PartialData"])
    func aServerThatCanBeAskedIsAskedWhereMetricsAreMissing(_ status: String) async throws {
        let aws = idle { state in
            state.metrics = [:]
            state.metricStatus = status
            state.protected = [Self.task]
        }
        #expect(try await aws.control(.sleep).sleep().action == .noChange)
        aws.change { $0.protected = [] }
        #expect(try await aws.control(.sleep).sleep().action == .scaledDown)
        #expect(aws.desired == 0)
    }

    @Test func oneThatCannotBeAskedIsNotStoppedForWantOfMetrics() async throws {
        let aws = idle { $0.metrics = [:] }
        #expect(try await aws.control(.sleep).sleep().reason == "it reports nothing yet")
        #expect(aws.desired == 1)
        // But not for ever.
        aws.change { $0.now += 7_200 }
        #expect(try await aws.control(.sleep).sleep().action == .scaledDown)
    }

    @Test func oneThatSaysItIsIdleIsNotKeptByMetricsThatCannotBeRead() async throws {
        let aws = idle { state in
            state.tags["fluidity:protects"] = "one"
            state.failures["GetMetricData"] = [(400, "AccessDeniedException")]
        }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .scaledDown)
        #expect(answer.reason == "its metrics are not complete, and it says that it is not in use")
    }

    /// Somebody begins something after the server was asked: its protection comes before the number of tasks is changed, or after.
    @Test(arguments: ["GetMetricData", "DescribeServices", "UpdateService"])
    func workThatBeginsMeanwhileIsNotCut(_ operation: String) async throws {
        let aws = idle { state in
            state.tags["fluidity:protects"] = "one"
            state.after[operation] = { $0.protected = [Self.task] }
        }
        // The first of two.
        if operation == "DescribeServices" { aws.change { $0.protected = [Self.task] } }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .noChange)
        #expect(aws.desired == 1)
        #expect(aws.state.withLock { $0.stopping } == [:])
        if operation != "DescribeServices" {
            #expect(answer.reason == "it came into use while it was put to sleep" && answer.desired == 1)
            #expect(aws.state.withLock { $0.wanted } == [0, 1])
        }
    }

    // MARK: - A server that can't protect its task

    /// What it declares is believed as long as it holds, whether AWS says which tasks are protected or not.
    @Test(arguments: [true, false])
    func aUseThatIsDeclaredIsAUse(_ canAsk: Bool) async throws {
        let aws = idle { state in
            state.tags["fluidity:in-use"] = "\(Self.now + 320) one"
            if !canAsk { state.failures["GetTaskProtection"] = [(400, "AccessDeniedException")] }
        }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .noChange && answer.reason == "it is in use: the server says so")
        // That it can be asked is remembered.
        #expect(tag(aws, "protects") == "one")
        aws.change { $0.now += 320 }
        #expect(try await aws.control(.sleep).sleep().action == .scaledDown)
    }

    /// A clock that is days ahead, a value that is none, another task's: none of them keeps the service awake for ever.
    @Test(arguments: ["\(now + 86_400) one", "soon one", "", "\(now + 320)", "-1 one", "\(now) one"])
    func whatIsNoDeclarationIsNone(_ value: String) async throws {
        let aws = idle { $0.tags["fluidity:in-use"] = value }
        #expect(try await aws.control(.sleep).sleep().action == .scaledDown)
        #expect(tag(aws, "protects") == nil)
    }

    @Test func anotherTasksDeclarationProvesNothingOfThisOne() async throws {
        let aws = idle { $0.tags["fluidity:in-use"] = "\(Self.now + 320) zero" }
        #expect(try await aws.control(.sleep).sleep().action == .noChange)
        #expect(tag(aws, "protects") == nil)
    }

    /// Somebody begins something after the server was asked, and its use is declared before the number of tasks is changed, or after.
    @Test(arguments: ["GetMetricData", "UpdateService"])
    func workThatIsDeclaredMeanwhileIsNotCut(_ operation: String) async throws {
        let aws = idle { state in
            state.tags["fluidity:protects"] = "one"
            state.after[operation] = { $0.tags["fluidity:in-use"] = "\(Self.now + 600) one" }
        }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .noChange && answer.desired == 1)
        #expect(aws.desired == 1 && aws.state.withLock { $0.stopping } == [:])
        // Seen before the number was changed, it isn't changed at all.
        #expect(aws.state.withLock { $0.wanted } == (operation == "UpdateService" ? [0, 1] : []))
    }

    /// AWS doesn't say what happened meanwhile: then it isn't put to sleep.
    @Test func aServiceThatCannotBeLookedAtOnceMoreIsWantedAgain() async throws {
        let aws = idle { state in
            state.tags["fluidity:protects"] = "one"
            state.after["UpdateService"] = { $0.failures["DescribeServices"] = [(400, "AccessDeniedException")] }
        }
        #expect(try await aws.control(.sleep).sleep().action == .noChange)
        #expect(aws.desired == 1)
        #expect(try await aws.control(.sleep).sleep().action == .scaledDown)
    }

    @Test func aLimitEndsWhatIsDeclared() async throws {
        let aws = idle { $0.tags["fluidity:in-use"] = "\(Self.now + 320) one" }
        #expect(try await aws.control(.sleep) { $0.maxUptime = .seconds(7_200) }.sleep().action == .scaledDown)
        #expect(aws.desired == 0 && aws.state.withLock { Array($0.stopping.keys) } == [Self.task])
    }

    // MARK: - What was left behind

    @Test(arguments: [true, false])
    func aTaskThatWasLeftBehindIsWantedAgain(_ canAsk: Bool) async throws {
        let aws = idle { state in
            state.failures["GetTaskProtection"] = [(400, "AccessDeniedException")]
        }
        // Its protection isn't seen, and it stays.
        #expect(try await aws.control(.sleep).sleep().action == .scaledDown)
        aws.change { state in
            state.now += 300
            state.protected = [Self.task]
            if !canAsk { state.failures["GetTaskProtection"] = [(400, "AccessDeniedException")] }
        }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .noChange && answer.desired == 1)
        #expect(aws.desired == 1)
        // What ended it before doesn't count any more: it isn't taken for one that somebody started by hand.
        #expect(tag(aws, "begun") == "\(Self.now - 7_300)")
        _ = try await aws.control(.sleep).sleep()
        #expect(tag(aws, "begun") == "\(Self.now - 7_300)")
    }

    @Test func ofTwoTasksTheOneInUseStays() async throws {
        let aws = idle { state in
            state.desired = 2
            state.running = 2
            var other = state.runningTasks[0]
            other["arn"] = "arn:aws:ecs:us-east-1:1:task/fluidity/two"
            state.runningTasks.append(other)
            state.after["UpdateService"] = { $0.protected = ["arn:aws:ecs:us-east-1:1:task/fluidity/two"] }
        }
        #expect(try await aws.control(.sleep).sleep().desired == 1)
        #expect(aws.state.withLock { $0.wanted } == [0, 1])
    }

    // MARK: - Crashes

    /// Tasks that die after four minutes, looked at every five: it ends after the third.
    @Test(arguments: [30, 240, 290])
    func aCrashLoopEnds(_ life: Int) async throws {
        let begun = Self.now
        let aws = FakeAWS { state in
            state.desired = 1
            state.tags["fluidity:begun"] = "\(begun)"
        }
        let control = try aws.control(.sleep)
        var ended: Int?
        for second in stride(from: 0, through: 7_200, by: 10) where ended == nil {
            let period = 40 + life
            let cycle = second / period
            aws.change { state in
                state.now = begun + second
                let start = begun + cycle * period
                let runs = second % period >= 40
                state.running = runs ? 1 : 0
                state.runningTasks =
                    runs
                    ? [["arn": "t/\(cycle)", "lastStatus": "RUNNING", "createdAt": "\(start)", "startedAt": "\(start + 40)"]] : []
                state.stoppedTasks = (0..<cycle).map { index in
                    let start = begun + index * period
                    return [
                        "arn": "t/\(index)", "lastStatus": "STOPPED", "createdAt": "\(start)", "startedAt": "\(start + 40)",
                        "stoppedAt": "\(start + period)", "stopCode": "EssentialContainerExited", "exitCode": "1",
                        "stoppedReason": "Essential container in task exited",
                    ]
                }
            }
            guard second > 0, second % 300 == 0 else { continue }
            let answer = try await control.sleep()
            if answer.action == .scaledDown {
                ended = second
                #expect(answer.reason.hasPrefix("it ended by itself, "))
                #expect(answer.reason.hasSuffix("times in a row: Essential container in task exited (server ended with 1)"))
            }
        }
        #expect((ended ?? .max) <= 3 * (40 + life) + 300)
    }

    @Test func oneCrashAfterHoursOfUseIsNoFailedStart() async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.tags["fluidity:begun"] = "\(Self.now - 36_000)"
            state.stoppedTasks = [
                [
                    "arn": Self.task, "lastStatus": "STOPPED", "createdAt": "\(Self.now - 36_000)",
                    "startedAt": "\(Self.now - 35_960)", "stoppedAt": "\(Self.now - 20)", "stopCode": "EssentialContainerExited",
                    "exitCode": "139",
                ]
            ]
        }
        #expect(try await aws.control(.sleep).sleep().reason == "it is starting")
        #expect(aws.desired == 1)
    }

    // MARK: - Limits

    @Test func hoursAreCountedAndEndIt() async throws {
        let aws = idle { $0.protected = [Self.task] }
        let control = try aws.control(.sleep) { $0.maxPerDay = .seconds(9_000) }
        #expect(try await control.sleep().action == .noChange)
        #expect(tag(aws, "uptime") == "\(Self.now) 2026-11 7242 2026-11-23 7242")
        aws.change { $0.now += 1_758 }
        let answer = try await control.sleep()
        #expect(answer.action == .scaledDown && answer.reason.hasPrefix("today's hours are used up: 2.5 of 2.5 h"))
        // Whoever uses it: that is what a limit is.
        #expect(aws.desired == 0 && aws.state.withLock { Array($0.stopping.keys) } == [Self.task])
        aws.change { $0.running = 0 }
        let wake = try aws.control(.wake) { $0.maxPerDay = .seconds(9_000) }
        let refused = await #expect(throws: ServiceError.self) { try await wake.wake() }
        #expect(refused?.status == 402 && refused?.code == "over_hours")
        // The next day.
        aws.change { $0.now += 86_400 }
        #expect(try await wake.wake().status == .waking)
    }

    @Test func aBudgetWarnsAndThenRefuses() async throws {
        let aws = FakeAWS { $0.tags["fluidity:uptime"] = "\(Self.now) 2026-11 \(90 * 3_600) 2026-11-23 0" }
        let change: (inout ECSServiceConfiguration) -> Void = { configuration in
            var cost = CostSettings()
            cost.perHour = 0.1
            cost.perMonth = 10
            configuration.cost = cost
        }
        let wake = try aws.control(.wake, change)
        #expect(try await wake.wake().warning == "9.00 USD of this month's budget of 10.00 USD are spent")
        let status = try await aws.control(.status, change).status()
        #expect(status.cost?.spent == 9 && status.cost?.budget == 10 && status.hoursThisMonth == 90)
        aws.change { state in
            state.desired = 0
            state.tags["fluidity:uptime"] = "\(Self.now) 2026-11 \(100 * 3_600) 2026-11-23 0"
        }
        let refused = await #expect(throws: ServiceError.self) { try await wake.wake() }
        #expect(
            refused
                == ServiceError(
                    code: "over_budget",
                    message: "this month's budget is spent: 10.00 USD of 10.00 USD; it can be woken next month", status: 402))
        #expect(aws.desired == 0)
    }

    @Test func aRowOfHoursEnds() async throws {
        let aws = idle { $0.protected = [Self.task] }
        let answer = try await aws.control(.sleep) { $0.maxUptime = .seconds(7_200) }.sleep()
        #expect(answer.action == .scaledDown && answer.reason.contains("in a row"))
        #expect(try await aws.control(.status).status().reason?.hasPrefix("limit: it was up for 2 h in a row") == true)
    }

    @Test func theEnvironmentHasLimitsToo() throws {
        let variables = [
            "CLUSTER": "c", "SERVICE": "s", "MAX_UPTIME_HOURS": "12", "MAX_HOURS_PER_DAY": "8", "MAX_HOURS_PER_MONTH": "100.5",
            "COST_PER_HOUR": "0.0173", "BUDGET_PER_MONTH": "5", "COST_CURRENCY": "EUR",
        ]
        let limits = try ServiceSettings(ECSServiceConfiguration(), environment: variables).limits
        #expect(limits.uptime == 43_200 && limits.perDay == 28_800 && limits.perMonth == 361_800)
        #expect(limits.cost == .init(perHour: 0.0173, perMonth: 5, currency: "EUR", warnAt: 0.8))
        for (name, value) in [("MAX_UPTIME_HOURS", "0"), ("COST_PER_HOUR", "-1"), ("BUDGET_PER_MONTH", "x")] {
            let wrong = variables.merging([name: value]) { $1 }
            #expect(throws: (any Error).self) { try ServiceSettings(ECSServiceConfiguration(), environment: wrong) }
        }
        let without = variables.filter { $0.key != "COST_PER_HOUR" }
        #expect(throws: (any Error).self) { try ServiceSettings(ECSServiceConfiguration(), environment: without) }
        #expect(
            try ServiceSettings(ECSServiceConfiguration(), environment: ["CLUSTER": "c", "SERVICE": "s"]).limits == ServiceLimits())
    }
}
