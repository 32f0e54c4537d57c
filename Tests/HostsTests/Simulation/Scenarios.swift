import ConfigurationLanguage
import ControlStages
import Foundation
import Pipeline

@testable import Simulation

extension Scenario {
    /// The default policy with uses that are made up.
    static func of(
        _ pattern: UsePattern, days: Int, seed: UInt64 = 1, agents: Int = 1, wake: LifecycleSettings.Wake = .onDemand,
        faults: [Fault] = []
    ) throws -> Scenario {
        var configuration = ECSServiceConfiguration()
        configuration.action = .byPath
        let settings = try ServiceSettings(configuration, environment: ["CLUSTER": "fluidity", "SERVICE": "fluidity-server"])
        var lifecycle = LifecycleSettings()
        lifecycle.wake = wake
        lifecycle.wakeEndpoint = try EndpointURL(configured: "https://model.invalid/wake")
        lifecycle.killEndpoint = try EndpointURL(configured: "https://model.invalid/kill")
        lifecycle.statusEndpoint = try EndpointURL(configured: "https://model.invalid/status")
        var scenario = Scenario(service: settings, lifecycle: lifecycle)
        scenario.days = days
        scenario.seed = seed
        scenario.faults = faults
        scenario.uses = pattern.uses(days: days, agents: agents, seed: seed)
        return scenario
    }
}

extension World {
    /// A run on a thread of its own: what takes seconds mustn't hold one of the threads on which every other test waits.
    static func simulated(_ scenario: Scenario, by wire: Wire = .values) async -> Ledger {
        await withCheckedContinuation { done in
            Thread.detachNewThread { done.resume(returning: run(scenario, by: wire)) }
        }
    }
}
