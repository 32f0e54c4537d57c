import ControlStages
import Foundation
import HTTPMessages
import NIOCore
import Pipeline
import Synchronization
import Testing

/// What the actions do to AWS and answer, against one that is held in memory.
@Suite struct ServiceControlTests {
    private static let now = 1_795_420_800

    private func json(_ value: some Encodable) throws -> NSDictionary {
        let data = try JSONEncoder().encode(value)
        return try #require(try JSONSerialization.jsonObject(with: data) as? NSDictionary)
    }

    // MARK: - Wake

    @Test func wakingASleepingService() async throws {
        let aws = FakeAWS()
        let answer = try await aws.control(.wake).wake()
        #expect(
            try json(answer) == [
                "status": "waking", "desiredCount": 1, "runningCount": 0, "pendingCount": 0, "estimatedStartTime": "60-90 seconds",
                "retryAfter": 5,
            ])
        #expect(aws.desired == 1)
        #expect(aws.state.withLock { $0.tags } == ["fluidity:woken": "\(Self.now)", "fluidity:begun": "\(Self.now)"])
    }

    @Test func wakingOneThatStarts() async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.pending = 1
            state.tags["fluidity:starts"] = "abc 41 52"
            state.tags["fluidity:begun"] = "\(Self.now - 30)"
        }
        let answer = try await aws.control(.wake).wake()
        #expect(
            try json(answer) == [
                "status": "starting", "desiredCount": 1, "runningCount": 0, "pendingCount": 1,
                "estimatedStartTime": "40-55 seconds", "retryAfter": 11,
            ])
        #expect(!aws.log.contains("UpdateService"))
        #expect(aws.state.withLock { $0.tags["fluidity:begun"] } == "\(Self.now - 30)")
    }

    @Test func wakingOneThatRuns() async throws {
        let aws = FakeAWS { state in
            state.desired = 3
            state.running = 3
        }
        let answer = try await aws.control(.wake).wake()
        #expect(answer.status == .alreadyRunning)
        #expect(try json(answer)["status"] as? String == "already_running")
        #expect(aws.desired == 3)
        #expect(aws.state.withLock { $0.tags["fluidity:woken"] } == "\(Self.now)")
    }

    @Test func wakingTwiceIsWakingOnce() async throws {
        let aws = FakeAWS()
        let control = try aws.control(.wake)
        _ = try await control.wake()
        #expect(try await control.wake().status == .starting)
        #expect(aws.log.filter { $0 == "UpdateService" }.count == 1)
    }

    @Test func aTagThatCannotBeWrittenKeepsNobodyFromWaking() async throws {
        let aws = FakeAWS { $0.failures["TagResource"] = [(400, "AccessDeniedException")] }
        #expect(try await aws.control(.wake).wake().status == .waking)
        #expect(aws.desired == 1)
    }

    // MARK: - Sleep

    private func idle(_ change: (inout FakeAWS.State) -> Void = { _ in }) -> FakeAWS {
        FakeAWS { state in
            state.desired = 1
            state.running = 1
            let start = Double(Self.now - 7_200)
            state.runningTasks = [
                ["arn": "arn:task/c/one", "lastStatus": "RUNNING", "createdAt": "\(start - 42)", "startedAt": "\(start)"]
            ]
            let minutes = stride(from: Self.now - 2_400, through: Self.now - 60, by: 60).map(Double.init)
            state.metrics["ActiveConnections"] = minutes.map { ($0, 2) }
            state.metrics["LastActivityEpochSeconds"] = minutes.map { ($0, Double(Self.now - 2_400)) }
            change(&state)
        }
    }

    @Test func sleepOfAnIdleService() async throws {
        let aws = idle()
        let answer = try await aws.control(.sleep).sleep()
        #expect(
            try json(answer) == [
                "action": "scaled_down", "desired": 0, "running": 1, "avgActive": 2, "idleDuration": 2_400, "reason": "idle",
            ])
        #expect(aws.desired == 0)
        #expect(aws.state.withLock { $0.tags["fluidity:starts"] } == "one 42")
    }

    @Test func sleepOfABusyService() async throws {
        let aws = idle { $0.metrics["BytesRelayed"] = [(Double(Self.now - 60), 1)] }
        let answer = try json(await aws.control(.sleep).sleep())
        #expect(
            answer == [
                "action": "no_change", "desired": 1, "running": 1, "avgActive": 2, "idleDuration": 0, "reason": "it is in use",
            ])
        #expect(aws.desired == 1)
    }

    @Test func partialMetricsChangeNothing() async throws {
        let aws = idle { $0.metricStatus = "PartialData" }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .noChange && answer.reason == "its metrics are not complete")
        #expect(aws.desired == 1)
    }

    @Test func aWakeDuringTheCheckWins() async throws {
        let aws = idle { state in
            state.after["GetMetricData"] = { $0.tags["fluidity:woken"] = "\(Self.now)" }
        }
        let answer = try await aws.control(.sleep).sleep()
        #expect(answer.action == .noChange && answer.reason == "it was changed in the meantime")
        #expect(aws.desired == 1)
    }

    @Test func aChangeByHandDuringTheCheckWins() async throws {
        let aws = idle { $0.after["GetMetricData"] = { $0.desired = 2 } }
        _ = try await aws.control(.sleep).sleep()
        #expect(aws.desired == 2)
    }

    @Test func twoChecksAtOnce() async throws {
        let aws = idle()
        let control = try aws.control(.sleep)
        async let first = control.sleep()
        async let second = control.sleep()
        _ = try await (first, second)
        #expect(aws.desired == 0)
        let third = try await control.sleep()
        #expect(third.action == .noChange && third.desired == 0)
    }

    @Test func aTaskThatNeverStartsIsStoppedWithItsReason() async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.tags["fluidity:begun"] = "\(Self.now - 700)"
            state.stoppedTasks = [
                [
                    "arn": "arn:task/c/bad", "lastStatus": "STOPPED", "createdAt": "\(Self.now - 650)",
                    "stoppedAt": "\(Self.now - 640)",
                    "stoppedReason": "CannotPullContainerError",
                ]
            ]
        }
        let answer = try json(await aws.control(.sleep).sleep())
        #expect(
            answer == [
                "action": "scaled_down", "desired": 0, "running": 0, "avgActive": 0, "idleDuration": 650,
                "reason": "it did not start: CannotPullContainerError",
            ])
        #expect(aws.desired == 0)
    }

    @Test func aTaskThatStartedBeforeIsNoFailedStart() async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.tags["fluidity:begun"] = "\(Self.now - 100)"
            state.stoppedTasks = [
                [
                    "arn": "arn:task/c/old", "lastStatus": "STOPPED", "createdAt": "\(Self.now - 3_000)",
                    "startedAt": "\(Self.now - 2_900)", "stoppedAt": "\(Self.now - 110)",
                ]
            ]
        }
        #expect(try await aws.control(.sleep).sleep().action == .noChange)
    }

    // MARK: - Kill and status

    @Test func killIsIdempotent() async throws {
        let aws = FakeAWS { $0.desired = 1 }
        let control = try aws.control(.kill)
        for _ in 0..<2 {
            #expect(
                try json(await control.kill()) == ["status": "killed", "desiredCount": 0, "message": "Service shutdown initiated"])
        }
        #expect(aws.desired == 0)
        #expect(aws.state.withLock { $0.wanted } == [0, 0])
    }

    @Test(arguments: ["DescribeServices", "ListTasks", "DescribeTasks", "StopTask", "TagResource", "GetTaskProtection"])
    func killWorksWhateverElseFails(_ operation: String) async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.runningTasks = [["arn": "arn:task/c/one", "lastStatus": "RUNNING"]]
            state.failures[operation] = [(Int, String)](repeating: (500, "ServerException"), count: 99)
        }
        #expect(try await aws.control(.kill).kill() == KillAnswer())
        #expect(aws.desired == 0)
        #expect(aws.log.first == "UpdateService")
    }

    @Test func killStopsWhatIsProtected() async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.runningTasks = [
                ["arn": "arn:task/c/one", "lastStatus": "RUNNING"], ["arn": "arn:task/c/two", "lastStatus": "PENDING"],
            ]
            state.protected = ["arn:task/c/one"]
        }
        _ = try await aws.control(.kill).kill(reason: "nightly")
        #expect(aws.state.withLock { $0.stopping } == ["arn:task/c/one": "killed: nightly", "arn:task/c/two": "killed: nightly"])
        #expect(try await aws.control(.status).status().reason == "kill: nightly")
        // What was killed isn't wanted again, however long its task takes to end.
        aws.change { state in
            state.running = 1
            state.now += 600
        }
        #expect(try await aws.control(.sleep).sleep().reason == "it is stopping")
        #expect(aws.desired == 0)
    }

    @Test(
        arguments: [
            (#"{"reason":"nightly"}"#, "nightly"), (#"{"reason":"a\nb\u0000c"}"#, "a b c"), (#"{"reason":""}"#, nil), ("{}", nil),
            (#"{"reason":5}"#, nil), ("no", nil), ("", nil),
        ] as [(String, String?)])
    func reasonsOfRequests(_ body: String, _ reason: String?) {
        #expect(ServiceRequest.reason(ByteBuffer(string: body)) == reason)
    }

    @Test(arguments: ["nightly", "Größe: {\"x\"} & \n so", String(repeating: "x", count: 500), ""])
    func anEndingFitsATag(_ reason: String) throws {
        let tag = Ending(.limit, at: 1_795_420_800, reason).tag
        #expect(tag.utf8.count <= 256)
        let known: (Character) -> Bool = { ($0.isASCII && ($0.isLetter || $0.isNumber)) || " _.:/=+-@".contains($0) }
        #expect(tag.allSatisfy(known))
        let read = try #require(Ending(tag))
        #expect(read.cause == .limit && read.time == 1_795_420_800)
        if reason == "nightly" { #expect(read.reason == "nightly") }
    }

    @Test func statusOfARunningService() async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.running = 1
            state.runningTasks = [
                ["arn": "arn:task/c/one", "lastStatus": "RUNNING", "createdAt": "100", "startedAt": "158", "eni": "eni-1"]
            ]
            state.addresses = ["eni-1": "203.0.113.7"]
        }
        let answer = try await aws.control(.status) { $0.port = 9_443 }.status()
        #expect(
            try json(answer) == [
                "status": "ready", "ready": true, "desiredCount": 1, "runningCount": 1, "pendingCount": 0,
                "address": "203.0.113.7:9443", "estimatedStartTime": "60-90 seconds", "hoursThisMonth": 536,
            ])
    }

    /// Agents would dial a private address in a network of their own, where somebody else may have it.
    @Test(
        arguments: [
            (.public, true, nil, nil, "the task's public address can't be found out; the log of 'status' says why"),
            (.public, false, nil, nil, "the task has no public address; 'address: private' is for agents in its network"),
            (.public, false, "203.0.113.7", "203.0.113.7:8443", nil),
            (.private, true, "203.0.113.7", "10.0.0.10:8443", nil),
        ] as [(ECSTaskAddress, Bool, String?, String?, String?)])
    func aPrivateAddressIsGivenWhereTheConfigurationSaysSo(
        _ wanted: ECSTaskAddress, _ fails: Bool, _ known: String?, _ address: String?, _ reason: String?
    ) async throws {
        let aws = FakeAWS { state in
            state.desired = 1
            state.running = 1
            state.runningTasks = [
                [
                    "arn": "a", "lastStatus": "RUNNING", "createdAt": "1", "startedAt": "2", "eni": "eni-1",
                    "private": "10.0.0.10",
                ]
            ]
            state.addresses = known.map { ["eni-1": $0] } ?? [:]
            if fails { state.failures["DescribeNetworkInterfaces"] = [(403, "UnauthorizedOperation")] }
        }
        let answer = try await aws.control(.status) { $0.address = wanted }.status()
        #expect(answer.status == .ready && answer.address == address && answer.reason == reason)
        #expect(aws.log.contains("DescribeNetworkInterfaces") == (wanted == .public))
    }

    @Test func statusSaysWhyTheLastTaskStopped() async throws {
        let aws = FakeAWS {
            $0.stoppedTasks = [
                ["arn": "a", "lastStatus": "STOPPED", "stoppedAt": "5", "stoppedReason": "Essential container exited"]
            ]
        }
        let answer = try await aws.control(.status).status()
        #expect(answer.status == .asleep && !answer.ready)
        #expect(answer.lastStopReason == "Essential container exited")
    }

    // MARK: - Failures

    @Test(arguments: [
        (400, "AccessDeniedException", "aws_denied", 502, 1), (400, "ThrottlingException", "aws_throttled", 503, 5),
        (500, "ServerException", "aws_failed", 502, 5), (400, "ClusterNotFoundException", "service_not_found", 404, 1),
        (400, "InvalidParameterException", "aws_failed", 502, 1),
    ])
    func failures(_ status: Int, _ name: String, _ code: String, _ answered: Int, _ attempts: Int) async throws {
        let aws = FakeAWS { $0.failures["DescribeServices"] = [(Int, String)](repeating: (status, name), count: 9) }
        let control = try aws.control(.wake)
        let error = await #expect(throws: ServiceError.self) { try await control.wake() }
        #expect(error?.code == code && error?.status == answered)
        #expect(error.map { "\($0.message)" }?.contains("secret") == false)
        #expect(aws.log.count == attempts)
    }

    @Test func throttlingThatEndsIsNotNoticed() async throws {
        let aws = FakeAWS { state in
            state.failures["DescribeServices"] = [(400, "ThrottlingException"), (503, "Unavailable")]
            state.failures["UpdateService"] = [(400, "ThrottlingException")]
        }
        #expect(try await aws.control(.wake).wake().status == .waking)
    }

    @Test func aMissingService() async throws {
        let aws = FakeAWS { state in
            state.exists = false
            state.failures["UpdateService"] = [(400, "ServiceNotFoundException")]
        }
        let (wake, kill) = (try aws.control(.wake), try aws.control(.kill))
        await #expect(throws: ServiceError.noSuchServiceForTests) { try await wake.wake() }
        await #expect(throws: ServiceError.noSuchServiceForTests) { try await kill.kill() }
    }

    // MARK: - Settings

    @Test func theEnvironmentFillsGaps() throws {
        var configuration = ECSServiceConfiguration()
        configuration.service = "mine"
        let settings = try ServiceSettings(
            configuration, environment: ["CLUSTER": "c", "SERVICE": "theirs", "IDLE_THRESHOLD_MINUTES": "2.5"])
        #expect(settings.cluster == "c" && settings.service == "mine" && settings.metricsService == "mine")
        #expect(settings.policy.idleThreshold == 150)
        #expect(throws: StageError.self) { try ServiceSettings(ECSServiceConfiguration(), environment: ["CLUSTER": "c"]) }
        for minutes in ["0", "-1", "soon", "1e99", "nan"] {
            #expect(throws: StageError.self) {
                try ServiceSettings(configuration, environment: ["CLUSTER": "c", "IDLE_THRESHOLD_MINUTES": minutes])
            }
        }
    }

    @Test(
        arguments: [
            ("POST", "/wake", BodyLength.none, nil), ("POST", "/", .none, nil), ("POST", "/prod/wake/?a=b", .known(10), nil),
            ("GET", "/wake", .none, 405), ("DELETE", "/wake", .none, 405), ("POST", "/kill", .none, 404),
            ("POST", "/wake/more", .none, 404), ("POST", "/wake", .known(65_537), 413), ("POST", "/wake", .unknown, nil),
        ] as [(String, String, BodyLength, Int?)])
    func requests(_ method: String, _ path: String, _ body: BodyLength, _ status: Int?) {
        let head = RequestHead(method: method, scheme: .https, authority: "x", path: path, body: body)
        switch ServiceRequest.decide(head, configured: .wake) {
        case .act(let action): #expect(status == nil && action == .wake)
        case .refuse(let answer): #expect(answer.head.status == status)
        }
    }

    @Test(
        arguments: [
            ("POST", "/wake", ECSServiceAction.wake, nil), ("POST", "/v1/kill", .kill, nil), ("GET", "/status?x=1", .status, nil),
            ("GET", "/kill", nil, 405), ("POST", "/", nil, 404), ("POST", "/by-path", nil, 404),
        ] as [(String, String, ECSServiceAction?, Int?)])
    func requestsByPath(_ method: String, _ path: String, _ action: ECSServiceAction?, _ status: Int?) {
        let head = RequestHead(method: method, scheme: .http, authority: "x", path: path)
        switch ServiceRequest.decide(head, configured: .byPath) {
        case .act(let found): #expect(found == action)
        case .refuse(let answer): #expect(answer.head.status == status)
        }
    }
}

extension ServiceError {
    static let noSuchServiceForTests = ServiceError(
        code: "service_not_found", message: "the service does not exist, or is being deleted", status: 404)
}
