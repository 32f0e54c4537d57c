import ControlStages
import Testing

@testable import Simulation

/// What the control plane promises, over a thousand days: nothing is cut by its decision, and no task is there for nobody beyond the bound.
/// `make simulate` does the same for a hundred times as many.
@Suite(.serialized) struct BoundsTests {
    /// A mixture of users and faults, and how many days of it are simulated.
    struct Mixture: Sendable, CustomTestStringConvertible {
        var pattern: UsePattern
        var days: Int
        var delay = 60.0
        var faults: [Fault] = []
        /// Whether a task may then be there for nobody for longer: nobody can know better.
        var excuses = false

        var testDescription: String { "\(pattern.rawValue), \(delay) s, \(faults.map { "\($0.kind)" })" }
    }

    static let mixtures: [Mixture] = [
        Mixture(pattern: .sparse, days: 300), Mixture(pattern: .sparse, days: 200, delay: 120),
        Mixture(pattern: .sparse, days: 100, delay: 20, faults: [Fault(.lostReports(0.3))]),
        Mixture(pattern: .returning, days: 10), Mixture(pattern: .returning, days: 10, delay: 120),
        Mixture(pattern: .bursty, days: 10), Mixture(pattern: .office, days: 20), Mixture(pattern: .transfers, days: 10),
        Mixture(pattern: .streams, days: 10),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.lateReports(230))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.noReports)]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.partialMetrics)]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.serverClock(-280))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.serverClock(280))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.functionClock(-280))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.functionClock(280))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.wokenAhead(2_592_000))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.twoTasks)]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.twice(0.5)), Fault(.late(240))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.throttled(nil, 0.3))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.restarts(1_200))]),
        Mixture(pattern: .returning, days: 20, faults: [Fault(.failing("UpdateTaskProtection", 1))]),
        Mixture(pattern: .transfers, days: 20, faults: [Fault(.protectionUnavailable)]),
        Mixture(pattern: .bursty, days: 10, faults: [Fault(.protectionUnavailable), Fault(.serverClock(-280))]),
        Mixture(pattern: .bursty, days: 10, faults: [Fault(.failing("UpdateTaskProtection", 1)), Fault(.serverClock(280))]),
        Mixture(pattern: .bursty, days: 30, faults: [Fault(.lostReports(0.7))]),
        Mixture(
            pattern: .sparse, days: 20, faults: [Fault(.failing("DescribeServices", 1), from: 36_000, until: 50_000)], excuses: true
        ),
        Mixture(pattern: .office, days: 5, faults: [Fault(.agentRestarts(240))], excuses: true),
    ]

    @Test(arguments: mixtures)
    func nothingIsCutAndNobodyIsWaitedFor(_ mixture: Mixture) async throws {
        var scenario = try Scenario.of(mixture.pattern, days: mixture.days, seed: 3, faults: mixture.faults)
        scenario.metricsDelay = mixture.delay
        let report = await SimulationReport(World.simulated(scenario), of: scenario)
        let kinds = mixture.excuses ? ["cut-by-sleep"] : ["cut-by-sleep", "idle-too-long"]
        let broken = report.findings.filter { kinds.contains($0.kind) }
        #expect(report.served > 0)
        #expect(broken.isEmpty, "\(broken.prefix(3).map { "\(SimulationReport.clock($0.time)) \($0.what)" })")
    }

    @Test func theyAreAThousandDays() {
        #expect(Self.mixtures.map(\.days).reduce(0, +) >= 1_000)
    }

    /// One that can neither be protected nor declare its use is judged by its reports alone: the excuse that `scripts/simulate` has for it.
    @Test func whoIsNotHeardIsCut() async throws {
        let faults = [Fault(.protectionUnavailable), Fault(.denied("TagResource"))]
        let ledger = try await World.simulated(.of(.returning, days: 5, seed: 3, faults: faults))
        #expect(ledger.cuts.contains { $0.cause.isOurs })
    }

    /// A task that dies again and again costs no more than so much; users or not.
    @Test(arguments: [30.0, 90, 200, 290])
    func aCrashLoopEnds(_ life: Double) async throws {
        var scenario = try Scenario.of(.none, days: 1, faults: [Fault(.crashLoop(life))])
        scenario.uses = [Use(start: 36_000, agent: 0, kind: .request, duration: 2, bytes: 1_000)]
        let ledger = await World.simulated(scenario)
        #expect(ledger.taskSeconds < 3_600, "\(ledger.tasks) tasks, \(ledger.taskSeconds / 3_600) hours")
        #expect(ledger.sleeps.count == 1)
    }

    /// Its tasks die just when it is looked whether the server is idle, every time.
    @Test(arguments: [240.0, 242, 243, 244, 245, 246, 250])
    func aCrashLoopEndsThatIsInStepWithTheChecks(_ life: Double) async throws {
        var scenario = try Scenario.of(.none, days: 1, faults: [Fault(.crashLoop(life))])
        scenario.startTime = 55...55
        scenario.uses = [Use(start: 36_000, agent: 0, kind: .request, duration: 2, bytes: 1_000)]
        let ledger = await World.simulated(scenario)
        // Each new task protects itself at its start.
        #expect(ledger.taskSeconds < 7_200, "\(ledger.tasks) tasks, \(ledger.taskSeconds / 3_600) hours")
    }

    /// The nightly guard of costs acts whatever can't be found out.
    @Test func killNeedsNoLook() async throws {
        var scenario = try Scenario.of(
            .transfers, days: 3, faults: [Fault(.failing("DescribeServices", 1), from: 80_000, until: 90_000)])
        scenario.killTime = 82_800
        scenario.uses = [Use(start: 70_000, agent: 0, kind: .transfer, duration: 40_000, bytes: 1_000)]
        let ledger = await World.simulated(scenario)
        #expect(ledger.cuts.map(\.cause) == [.kill])
        #expect(ledger.cuts.first.map { $0.time - .beginning < 83_000 } == true)
    }

    /// A limit of hours ends what nobody else would, and refuses wakes until the next day.
    @Test func hoursOfADayAreALimit() async throws {
        var scenario = try Scenario.of(.none, days: 2)
        scenario.service.limits.perDay = 7_200
        scenario.uses = [
            Use(start: 30_000, agent: 0, kind: .transfer, duration: 30_000, bytes: 1_000_000),
            Use(start: 70_000, agent: 0, kind: .request, duration: 1, bytes: 1),
            Use(start: 90_000, agent: 0, kind: .request, duration: 1, bytes: 1),
        ]
        let ledger = await World.simulated(scenario)
        #expect(ledger.cuts.count == 1)
        guard case .limit = ledger.cuts.first?.cause else {
            Issue.record("\(ledger.cuts)")
            return
        }
        #expect(ledger.refusals.count == 1 && ledger.refusals.first?.reason.contains("hours are used up") == true)
        #expect(ledger.served == 1)
        #expect(ledger.taskSeconds < 7_200 + 600 + scenario.idleBound + 120)
    }

    @Test func anImageThatNeverRunsIsGivenUp() async throws {
        var scenario = try Scenario.of(.none, days: 1, faults: [Fault(.brokenImage)])
        scenario.uses = [Use(start: 36_000, agent: 0, kind: .request, duration: 2, bytes: 1_000)]
        let ledger = await World.simulated(scenario)
        #expect(ledger.sleeps.count == 1)
        #expect(ledger.sleeps.first?.reason.contains("did not start") == true)
        #expect(ledger.taskSeconds < 1_200)
    }

    /// One crash after hours of use is no reason to stop a service that people wait for.
    @Test func aSingleCrashIsNoReasonToSleep() async throws {
        var scenario = try Scenario.of(.none, days: 1, faults: [Fault(.crashLoop(10_000), from: 0, until: 40_000)])
        scenario.uses = (0..<300).map { Use(start: 30_000 + Double($0) * 60, agent: 0, kind: .request, duration: 2, bytes: 1_000) }
        let ledger = await World.simulated(scenario)
        #expect(ledger.crashes == 1)
        #expect(ledger.sleeps.allSatisfy { $0.uses == 0 })
        #expect(ledger.sleeps.count == 1)
    }
}
