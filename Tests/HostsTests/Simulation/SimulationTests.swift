import Simulation
import Testing

/// What a simulation says of the world that it is given.
@Suite(.serialized) struct SimulationTests {
    @Test func theSameSeedGivesTheSameRun() async throws {
        let first = try await World.simulated(
            .of(.office, days: 5, agents: 3, faults: [Fault(.throttled(nil, 0.2)), Fault(.twice(0.3))]))
        let second = try await World.simulated(
            .of(.office, days: 5, agents: 3, faults: [Fault(.throttled(nil, 0.2)), Fault(.twice(0.3))]))
        let other = try await World.simulated(.of(.office, days: 5, seed: 2, agents: 3))
        #expect(first == second)
        #expect(first.taskSeconds != other.taskSeconds)
        #expect(first.served > 100)
    }

    @Test func nobodyNeedsNoServer() async throws {
        let ledger = try await World.simulated(.of(.none, days: 3))
        #expect(ledger.taskSeconds == 0)
        #expect(ledger.wakes == 0)
        // One in six hours is enough where nothing changes.
        #expect((10...13).contains(ledger.answers["it is asleep"] ?? 0))
    }

    @Test func aUseWakesTheServerAndItSleepsAfterwards() async throws {
        var scenario = try Scenario.of(.none, days: 1)
        scenario.uses = [Use(start: 36_000, agent: 0, kind: .request, duration: 2, bytes: 1_000)]
        let ledger = await World.simulated(scenario)
        #expect(ledger.served == 1)
        #expect(ledger.wakes == 1)
        #expect(ledger.tasks == 1)
        #expect(ledger.sleeps.count == 1)
        #expect(ledger.cuts.isEmpty)
        #expect(ledger.waits.allSatisfy { (20...95).contains($0) })
        #expect(ledger.taskSeconds > 900 && ledger.taskSeconds < scenario.idleBound + 100)
    }
}
