import ControlStages
import Testing

@testable import Simulation

/// A run with values between the functions and the modelled AWS is the run with JSON between them, which is what they have in life: whoever
/// simulates many days may do without.
@Suite(.serialized) struct WireTests {
    /// A mixture of users and faults, and how many days of it are simulated, twice.
    struct Mixture: Sendable, CustomTestStringConvertible {
        var pattern: UsePattern
        var days: Int
        var agents = 1
        var faults: [Fault] = []

        var testDescription: String { "\(pattern.rawValue), \(faults.map { "\($0.kind)" })" }
    }

    static let mixtures: [Mixture] = [
        Mixture(pattern: .sparse, days: 60), Mixture(pattern: .bursty, days: 5, agents: 3), Mixture(pattern: .office, days: 7),
        Mixture(pattern: .transfers, days: 5), Mixture(pattern: .streams, days: 5), Mixture(pattern: .returning, days: 5),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.throttled(nil, 0.3)), Fault(.twice(0.5))]),
        Mixture(pattern: .bursty, days: 5, faults: [Fault(.failing(nil, 0.1))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.functionClock(-400))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.functionClock(400), from: 40_000, until: 1_000_000)]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.partialMetrics), Fault(.serverClock(280))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.twoTasks), Fault(.denied("TagResource"))]),
        Mixture(pattern: .sparse, days: 30, faults: [Fault(.restarts(1_200)), Fault(.denied("GetTaskProtection"))]),
        Mixture(pattern: .bursty, days: 5, faults: [Fault(.crashLoop(200)), Fault(.protectionUnavailable)]),
        Mixture(pattern: .sparse, days: 20, faults: [Fault(.brokenImage)]),
        Mixture(pattern: .sparse, days: 20, faults: [Fault(.failing("GetMetricData", 1)), Fault(.failing("UpdateService", 0.5))]),
    ]

    @Test(arguments: mixtures)
    func aRunIsTheSameOverJSON(_ mixture: Mixture) async throws {
        var scenario = try Scenario.of(
            mixture.pattern, days: mixture.days, seed: 11, agents: mixture.agents, faults: mixture.faults)
        // Every function has its part.
        scenario.killTime = 82_800
        let values = await World.simulated(scenario)
        let json = await World.simulated(scenario, by: .json)
        #expect(values == json)
        #expect(values.usedSeconds == json.usedSeconds)
        #expect(values.answers.values.reduce(0, +) > 0 && values.wakes > 0)
    }

    /// A limit ends a task that is in use, and refuses wakes.
    @Test func limitsAreTheSameOverJSON() async throws {
        var scenario = try Scenario.of(.transfers, days: 5, seed: 11)
        scenario.service.limits.perDay = 7_200
        let ledger = await World.simulated(scenario)
        let json = await World.simulated(scenario, by: .json)
        #expect(ledger == json)
        #expect(ledger.refusals.contains { $0.reason.contains("hours are used up") })
    }

    @Test func theyAreSomeHundredDays() {
        #expect(Self.mixtures.map(\.days).reduce(0, +) >= 300)
    }
}
