import ControlStages
import Testing

/// When a service is put to sleep, with a clock that the tests hold. Times are seconds; `now` is 100,000.
@Suite struct SleepDecisionTests {
    static let now = 100_000.0

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var service: ServiceView
        var activity: ActivityView
        /// The reason that is given, and whether it is put to sleep.
        var reason: String
        var sleeps: Bool
        /// What is said about how long it was idle.
        var idle: Double?
    }

    /// A task that has run since `age` seconds ago.
    private static func running(_ age: Double, woken: Double? = nil, desired: Int = 1) -> ServiceView {
        var view = ServiceView(desired: desired, running: desired)
        view.runningSince = now - age
        view.deployed = now - age - 60
        view.woken = woken.map { now - $0 }
        return view
    }

    /// The same task, whose server says of itself whether it is in use.
    private static func asked(_ age: Double, _ claim: ServiceView.Claim = .idle, woken: Double? = nil) -> ServiceView {
        var view = running(age, woken: woken)
        view.claim = claim
        return view
    }

    /// Tasks that ended, from so many seconds ago to so many, the first 40 seconds of which they took to start.
    private static func stops(
        _ times: [(from: Double, to: Double)], started: Bool = true, isFailure: Bool = true, reason: String? = nil
    ) -> [TaskStop] {
        times.map {
            TaskStop(
                created: now - $0.from, started: started ? now - $0.from + 40 : nil, stopped: now - $0.to, isFailure: isFailure,
                reason: reason)
        }
    }

    private static func with(_ view: ServiceView, _ change: (inout ServiceView) -> Void) -> ServiceView {
        var view = view
        change(&view)
        return view
    }

    /// Reports each minute, from `oldest` to `newest` seconds ago: the last activity as it was known then.
    private static func reports(
        from oldest: Double, to newest: Double = 60, active: Double, connections: Double = 1, streams: Double = 0, bytes: Double = 0
    ) -> ActivityView {
        var view = ActivityView()
        var ago = oldest
        while ago >= newest {
            let time = now - ago
            view.connections.append(.init(time, connections))
            view.lastActivity.append(.init(time, min(now - active, time)))
            view.streams.append(.init(time, streams))
            view.bytes.append(.init(time, bytes))
            ago -= 60
        }
        return view
    }

    private static func partial(_ view: ActivityView) -> ActivityView {
        var view = view
        view.isComplete = false
        return view
    }

    private static func starting(
        _ begun: Double?, failed: Double? = nil, deployed: Double? = nil, reason: String? = nil
    ) -> ServiceView {
        var view = ServiceView(desired: 1, running: 0, pending: 1)
        view.begun = begun.map { now - $0 }
        view.deployed = deployed.map { now - $0 }
        if let failed { view.stops = [TaskStop(created: now - failed, stopped: now - failed + 10, reason: reason)] }
        return view
    }

    static let cases: [Case] = [
        Case(
            testDescription: "idle for long enough", service: running(3_600), activity: reports(from: 2_400, active: 1_200),
            reason: "idle", sleeps: true, idle: 1_200),
        Case(
            testDescription: "idle, but not for long enough", service: running(3_600),
            activity: reports(from: 2_400, active: 600), reason: "it is not idle for long enough", sleeps: false, idle: 600),
        Case(
            testDescription: "in use", service: running(3_600), activity: reports(from: 2_400, active: 30), reason: "it is in use",
            sleeps: false, idle: 60),
        Case(
            testDescription: "idle to the second", service: running(3_600), activity: reports(from: 2_400, active: 960),
            reason: "idle", sleeps: true, idle: 960),
        Case(
            testDescription: "one second less", service: running(3_600), activity: reports(from: 2_400, active: 959),
            reason: "it is not idle for long enough", sleeps: false, idle: 959),
        Case(
            testDescription: "metrics missing just after a start", service: running(90), activity: ActivityView(),
            reason: "it has just started", sleeps: false),
        Case(
            testDescription: "metrics missing after the grace", service: running(600), activity: ActivityView(),
            reason: "it reports nothing yet", sleeps: false),
        Case(
            testDescription: "metrics missing for long, and nobody can be asked", service: running(2_100), activity: ActivityView(),
            reason: "it reports nothing yet", sleeps: false),
        Case(
            testDescription: "metrics missing for very long, and nobody can be asked", service: running(14_400),
            activity: ActivityView(), reason: "it reports nothing", sleeps: true, idle: 14_400),
        Case(
            testDescription: "metrics missing for long, and the server says that it is idle", service: asked(2_100),
            activity: ActivityView(), reason: "it reports nothing, and it says that it is not in use", sleeps: true, idle: 2_100),
        Case(
            testDescription: "metrics missing for ever, and the server says that it is in use", service: asked(90_000, .inUse(1)),
            activity: ActivityView(), reason: "it is in use: the server says so", sleeps: false),
        Case(
            testDescription: "idle by the metrics, and the server says that it is in use", service: asked(7_200, .inUse(1)),
            activity: reports(from: 2_400, active: 2_000), reason: "it is in use: the server says so", sleeps: false),
        Case(
            testDescription: "only what the task before reported", service: running(400),
            activity: reports(from: 2_400, to: 600, active: 2_400), reason: "it reports nothing yet", sleeps: false),
        Case(
            testDescription: "data that come late", service: running(3_600), activity: reports(from: 2_400, to: 360, active: 1_560),
            reason: "its reports are late", sleeps: false, idle: 1_560),
        Case(
            testDescription: "data that come late, idle for as much longer", service: running(3_600),
            activity: reports(from: 2_400, to: 360, active: 1_620), reason: "idle", sleeps: true, idle: 1_620),
        Case(
            testDescription: "data that come late, and the server says that it is idle", service: asked(3_600),
            activity: reports(from: 2_400, to: 360, active: 1_260), reason: "idle", sleeps: true, idle: 1_260),
        Case(
            testDescription: "reports that stopped long ago, and nobody can be asked", service: running(7_200),
            activity: reports(from: 2_700, to: 1_800, active: 2_700), reason: "its reports are late", sleeps: false),
        Case(
            testDescription: "reports that stopped long ago, and the server says that it is idle", service: asked(7_200),
            activity: reports(from: 2_700, to: 1_800, active: 1_900), reason: "it reports nothing any more", sleeps: true,
            idle: 1_900),
        Case(
            testDescription: "a clock that is 280 seconds behind", service: running(7_200),
            activity: shifted(reports(from: 2_400, active: 1_400), by: -280), reason: "idle", sleeps: true, idle: 1_680),
        Case(
            testDescription: "a clock that is 280 seconds behind, in use", service: running(7_200),
            activity: shifted(reports(from: 2_400, active: 30), by: -280), reason: "its reports are late", sleeps: false),
        Case(
            testDescription: "a clock that is 280 seconds ahead", service: running(7_200),
            activity: shifted(reports(from: 2_400, active: 1_400), by: 280), reason: "idle", sleeps: true, idle: 1_340),
        Case(
            testDescription: "a clock that is 280 seconds ahead, in use", service: running(7_200),
            activity: shifted(reports(from: 2_400, active: 30), by: 280), reason: "it is in use", sleeps: false),
        Case(
            testDescription: "idle now, but known only up to four minutes ago", service: running(3_600),
            activity: reports(from: 2_400, to: 240, active: 1_080), reason: "it is not idle for long enough", sleeps: false,
            idle: 1_080),
        Case(
            testDescription: "partial data with a next token", service: running(3_600),
            activity: partial(reports(from: 2_400, active: 2_000)), reason: "its metrics are not complete", sleeps: false),
        Case(
            testDescription: "a long transfer: bytes without new requests", service: running(7_200),
            activity: reports(from: 2_400, active: 2_400, bytes: 50_000_000), reason: "it is in use", sleeps: false, idle: 0),
        Case(
            testDescription: "an agent that is connected but idle", service: running(7_200),
            activity: reports(from: 2_400, active: 2_000, connections: 3), reason: "idle", sleeps: true, idle: 2_000),
        Case(
            testDescription: "an agent in the middle of something", service: running(7_200),
            activity: reports(from: 2_400, active: 2_000, streams: 1), reason: "it is in use", sleeps: false, idle: 0),
        Case(
            testDescription: "a tunnel that somebody forgot", service: running(36_000),
            activity: reports(from: 2_400, active: 6_000, streams: 1), reason: "idle", sleeps: true, idle: 6_000),
        Case(
            testDescription: "nobody ever came", service: running(3_600), activity: reports(from: 3_540, active: 90_000),
            reason: "idle", sleeps: true, idle: 3_600),
        Case(
            testDescription: "a last activity in the future", service: running(3_600),
            activity: reports(from: 2_400, active: -5_000), reason: "it is in use", sleeps: false, idle: 60),
        Case(
            testDescription: "woken a moment ago while idle", service: running(7_200, woken: 120),
            activity: reports(from: 2_400, active: 1_400), reason: "it was woken a moment ago", sleeps: false),
        Case(
            testDescription: "woken again and again, and nothing was ever carried", service: running(7_200, woken: 120),
            activity: reports(from: 2_400, active: 1_500), reason: "idle", sleeps: true, idle: 1_500),
        Case(
            testDescription: "woken by a clock that is ahead", service: running(7_200, woken: -200),
            activity: reports(from: 2_400, active: 1_400), reason: "it was woken a moment ago", sleeps: false),
        Case(
            testDescription: "woken in a year", service: running(7_200, woken: -31_536_000),
            activity: reports(from: 2_400, active: 1_400), reason: "idle", sleeps: true, idle: 1_400),
        Case(
            testDescription: "the cooldown is over", service: running(7_200, woken: 300),
            activity: reports(from: 2_400, active: 2_000), reason: "idle", sleeps: true, idle: 2_000),
        Case(
            testDescription: "started by hand, long after the last wake", service: running(120, woken: 90_000),
            activity: ActivityView(), reason: "it has just started", sleeps: false),
        Case(
            testDescription: "several tasks by hand, idle", service: running(7_200, desired: 3),
            activity: reports(from: 2_400, active: 2_000), reason: "idle", sleeps: true, idle: 2_000),
        Case(
            testDescription: "a check during a start", service: starting(40), activity: ActivityView(), reason: "it is starting",
            sleeps: false),
        Case(
            testDescription: "a task that never starts", service: starting(601, failed: 590, reason: "CannotPullContainerError"),
            activity: ActivityView(), reason: "it is starting", sleeps: false),
        Case(
            testDescription: "a task that never starts, after the deadline",
            service: starting(640, failed: 600, reason: "CannotPullContainerError"), activity: ActivityView(),
            reason: "it did not start: CannotPullContainerError", sleeps: true, idle: 600),
        Case(
            testDescription: "nothing was even tried", service: starting(600), activity: ActivityView(), reason: "it did not start",
            sleeps: true, idle: 600),
        Case(
            testDescription: "woken again after it was mended", service: starting(30, failed: 1_800, reason: "old"),
            activity: ActivityView(), reason: "it is starting", sleeps: false),
        Case(
            testDescription: "started by hand, and never starts", service: starting(90_000, failed: 700), activity: ActivityView(),
            reason: "it did not start", sleeps: true, idle: 700),
        Case(
            testDescription: "no times at all", service: starting(nil), activity: ActivityView(), reason: "it is starting",
            sleeps: false),
        Case(
            testDescription: "only the deployment's time", service: starting(nil, deployed: 650), activity: ActivityView(),
            reason: "it did not start", sleeps: true, idle: 650),
        Case(
            testDescription: "one crash after hours of use, and the next task isn't there yet",
            service: with(starting(36_000)) { $0.stops = stops([(36_000, 40)]) }, activity: ActivityView(),
            reason: "it is starting", sleeps: false),
        Case(
            testDescription: "one crash after hours of use, and then no task starts",
            service: with(starting(36_000)) {
                $0.stops = stops([(36_000, 640)], reason: "crash") + stops([(630, 620)], started: false, reason: "no capacity")
            }, activity: ActivityView(), reason: "it did not start: no capacity", sleeps: true, idle: 630),
        Case(
            testDescription: "two crashes in a row", service: with(running(30)) { $0.stops = stops([(700, 400), (390, 90)]) },
            activity: ActivityView(), reason: "it has just started", sleeps: false),
        Case(
            testDescription: "three crashes in a row, and the next has just started",
            service: with(running(30)) {
                $0.stops = stops([(1_040, 700), (690, 400), (390, 90)], reason: "boom (server ended with 1)")
            },
            activity: ActivityView(), reason: "it ended by itself, 3 times in a row: boom (server ended with 1)", sleeps: true),
        Case(
            testDescription: "three crashes in a row, and nothing runs",
            service: with(starting(1_100)) { $0.stops = stops([(1_040, 700), (690, 400), (390, 90)]) },
            activity: ActivityView(), reason: "it ended by itself, 3 times in a row", sleeps: true),
        Case(
            testDescription: "three crashes in a row, but somebody uses the next",
            service: with(asked(30, .inUse(1))) { $0.stops = stops([(1_040, 700), (690, 400), (390, 90)]) },
            activity: ActivityView(), reason: "it is in use: the server says so", sleeps: false),
        Case(
            testDescription: "a task that ran for hours is being stopped, and the next isn't there yet",
            service: with(starting(36_000)) {
                $0.stops = [TaskStop(created: now - 36_000, started: now - 35_960, isFailure: false)]
            }, activity: ActivityView(), reason: "it is starting", sleeps: false),
        Case(
            testDescription: "a wake that couldn't be written down",
            service: with(starting(nil, deployed: 40)) { $0.stops = stops([(9_000, 3_000)], isFailure: false) },
            activity: ActivityView(), reason: "it is starting", sleeps: false),
        Case(
            testDescription: "three crashes before the last wake",
            service: with(running(30)) { view in
                view.begun = now - 80
                view.stops = stops([(1_040, 700), (690, 400), (390, 90)])
            }, activity: ActivityView(), reason: "it has just started", sleeps: false),
        Case(
            testDescription: "crashes with hours between",
            service: with(running(30)) { $0.stops = stops([(9_000, 5_000), (4_990, 2_000), (1_990, 90)]) },
            activity: ActivityView(), reason: "it has just started", sleeps: false),
        Case(
            testDescription: "three starts that failed within a minute",
            service: with(starting(100)) { $0.stops = stops([(95, 80), (75, 60), (50, 40)], started: false, reason: "no image") },
            activity: ActivityView(), reason: "it did not start, 3 times in a row: no image", sleeps: true),
        Case(
            testDescription: "three machines that were taken away",
            service: with(running(30)) { $0.stops = stops([(1_040, 700), (690, 400), (390, 90)], isFailure: false) },
            activity: ActivityView(), reason: "it has just started", sleeps: false),
        Case(
            testDescription: "asleep", service: ServiceView(desired: 0, running: 0), activity: ActivityView(),
            reason: "it is asleep", sleeps: false, idle: 0),
        Case(
            testDescription: "stopping", service: ServiceView(desired: 0, running: 1), activity: ActivityView(),
            reason: "it is stopping", sleeps: false, idle: 0),
    ]

    private static func shifted(_ view: ActivityView, by seconds: Double) -> ActivityView {
        var view = view
        view.connections = view.connections.map { .init($0.time + seconds, $0.value) }
        view.lastActivity = view.lastActivity.map { .init($0.time + seconds, $0.value + seconds) }
        view.streams = view.streams.map { .init($0.time + seconds, $0.value) }
        view.bytes = view.bytes.map { .init($0.time + seconds, $0.value) }
        return view
    }

    @Test(arguments: cases)
    func decides(_ given: Case) {
        switch SleepDecision.decide(given.service, given.activity, SleepPolicy(), now: Self.now) {
        case .scaleDown(let reason, let idle):
            #expect(given.sleeps)
            #expect(reason == given.reason)
            if let expected = given.idle { #expect(idle == expected) }
        case .stay(let reason, let idle, _):
            #expect(!given.sleeps)
            #expect(reason == given.reason)
            if let expected = given.idle { #expect(idle == expected) }
        case .end, .restore: Issue.record("neither a limit nor a task that is held")
        }
    }

    /// A task that runs on although nobody wants one, after whom or what, and how long ago.
    @Test(
        arguments: [
            (.sleep, 5, .inUse(1), 1), (.sleep, 5, .inUse(2), 2), (.sleep, 5, .unknown, nil), (.sleep, 300, .unknown, 1),
            (.sleep, 300, .idle, nil), (.kill, 300, .inUse(1), nil), (.limit, 300, .inUse(1), nil),
            (nil, 0, .inUse(1), nil), (.sleep, 2_000, .inUse(1), nil),
        ] as [(Ending.Cause?, Double, ServiceView.Claim, Int?)])
    func aTaskThatIsHeldIsWantedAgain(_ cause: Ending.Cause?, _ ago: Double, _ claim: ServiceView.Claim, _ count: Int?) {
        var view = ServiceView(desired: 0, running: 1)
        view.staying = 1
        view.claim = claim
        view.begun = Self.now - 1_000
        view.ended = cause.map { Ending($0, at: Self.now - ago, "idle") }
        let decision = SleepDecision.decide(view, ActivityView(), SleepPolicy(), now: Self.now)
        if let count {
            #expect(decision == .restore(reason: "it came into use while it was put to sleep", count: count))
        } else {
            #expect(decision == .stay(reason: "it is stopping", idle: 0, averageActive: 0))
        }
    }

    @Test func aLimitEndsWhatIsInUse() {
        var view = Self.asked(7_200, .inUse(1))
        view.limit = "enough"
        #expect(
            SleepDecision.decide(view, ActivityView(), SleepPolicy(), now: Self.now) == .end(reason: "enough", idle: 0))
        view.desired = 0
        #expect(SleepDecision.decide(view, ActivityView(), SleepPolicy(), now: Self.now) != .end(reason: "enough", idle: 0))
    }

    /// Each new one says at its start that it is in use.
    @Test func crashesInARowEndWhateverTheNextTaskSays() {
        let service = Self.with(Self.asked(30, .inUse(1))) {
            $0.stops = Self.stops([(1_940, 1_640), (1_630, 1_340), (1_330, 1_050), (1_040, 700), (690, 400), (390, 90)])
        }
        let decision = SleepDecision.decide(service, ActivityView(), SleepPolicy(), now: Self.now)
        #expect(decision == .end(reason: "it ended by itself, 6 times in a row", idle: 0))
    }

    @Test func theAverageIsOfTheThresholdsWindow() {
        var activity = Self.reports(from: 2_400, active: 30, connections: 2)
        activity.connections.insert(.init(Self.now - 2_500, 100), at: 0)
        guard case .stay(_, _, let average) = SleepDecision.decide(Self.running(7_200), activity, SleepPolicy(), now: Self.now)
        else {
            Issue.record("put to sleep while in use")
            return
        }
        #expect(average == 2)
    }

    /// Whatever AWS says, in any order and number, the decision is one of the two and never a trap.
    @Test func nonsenseIsDecided() {
        var generator = SystemRandomNumberGenerator()
        let numbers = [0, -1, 1e18, -1e18, .infinity, -.infinity, .nan, 100_000, 99_000]
        func number() -> Double { numbers.randomElement(using: &generator) ?? 0 }
        func points() -> [ActivityView.Point] {
            (0..<Int.random(in: 0...4, using: &generator)).map { _ in .init(number(), number()) }
        }
        for _ in 0..<20_000 {
            var view = ServiceView(desired: .random(in: 0...2, using: &generator), running: .random(in: 0...2, using: &generator))
            view.runningSince = Bool.random(using: &generator) ? number() : nil
            view.woken = Bool.random(using: &generator) ? number() : nil
            view.begun = Bool.random(using: &generator) ? number() : nil
            view.claim = [.unknown, .idle, .inUse(1)].randomElement(using: &generator) ?? .unknown
            view.stops = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                TaskStop(created: number(), started: Bool.random(using: &generator) ? number() : nil, stopped: number())
            }
            var activity = ActivityView()
            activity.connections = points()
            activity.lastActivity = points()
            activity.streams = points()
            activity.bytes = points()
            let decision = SleepDecision.decide(view, activity, SleepPolicy(), now: Self.now)
            if case .scaleDown = decision { #expect(view.desired > 0) }
        }
    }

    /// Woken by an agent that starts anew every four minutes: it is put to sleep within a stated time all the same.
    @Test(arguments: [60.0, 120, 240, 290])
    func wakesAloneEnd(_ interval: Double) {
        var slept: Double?
        for age in stride(from: 300.0, through: 7_200, by: 300) where slept == nil {
            let view = Self.running(age, woken: age.truncatingRemainder(dividingBy: interval))
            let activity = Self.reports(from: min(age, 2_400), to: 180, active: age)
            if case .scaleDown = SleepDecision.decide(view, activity, SleepPolicy(), now: Self.now) { slept = age }
        }
        #expect((slept ?? .infinity) <= 1_500 + 180 + 300)
    }

    /// Reports that are always so late: idleness is noticed all the same.
    @Test(arguments: [60.0, 290, 360, 900, 1_500])
    func reportsThatAreAlwaysLateEnd(_ lateness: Double) {
        var slept: Double?
        for age in stride(from: 300.0, through: 14_100, by: 300) where slept == nil {
            let activity = Self.reports(from: min(age, 6_000), to: lateness, active: age)
            if case .scaleDown = SleepDecision.decide(Self.running(age), activity, SleepPolicy(), now: Self.now) { slept = age }
        }
        #expect((slept ?? .infinity) <= 900 + 2 * lateness + 360)
    }

    @Test func startTimesAreLearned() {
        var times = StartTimes()
        #expect(times.estimate == "60-90 seconds")
        let first = times.learn(task: "arn:aws:ecs:r:1:task/c/0123456789abcdef", took: 41.2)
        #expect(first == "0123456789abcdef 42")
        var again = StartTimes(first)
        #expect(again.learn(task: "arn:aws:ecs:r:1:task/c/0123456789abcdef", took: 41.2) == nil)
        #expect(again.learn(task: "arn:aws:ecs:r:1:task/c/fedcba", took: 68) == "fedcba 68 42")
        #expect(again.estimate == "40-70 seconds")
        for index in 0..<30 { _ = again.learn(task: "t\(index)", took: 3_599) }
        #expect((again.learn(task: "last", took: 1) ?? "").utf8.count < 256)
    }

    @Test(arguments: ["", "x", "x y z", "x -5 99999 1e9 12", "   ", "a 1 2 3 4 5 6 7 8 9 10 11"])
    func strangeTagsAreBorne(_ tag: String) {
        #expect(StartTimes(tag).seconds.count <= 8)
        #expect(StartTimes(tag).seconds.allSatisfy { (1...3_600).contains($0) })
    }
}
