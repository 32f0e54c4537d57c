import ConfigurationLanguage
package import Logging
package import Pipeline
package import Rehearsal

/// The stages of a configuration that take exchanges, made for a rehearsal: what they need a network for is the origin, in memory.
package struct RehearsedStages {
    private let configuration: LoadedConfiguration
    private let logger: Logger

    /// The stages of a configuration.
    package init(_ configuration: LoadedConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Begins a rehearsal with them.
    /// - Parameter time: The time that it is taken to be, in seconds of the Unix epoch; nil for the real one.
    package func begin(at time: Int? = nil) async throws -> Rehearsal {
        let (first, entries) = configuration.exchangeStages
        return try await Rehearsal.begin(first: first, logger: logger, host: configuration.host, at: time) { origin in
            try entries.map { try make($0, origin) }
        }
    }

    /// A stage with its branches.
    private func make(_ entry: LoadedConfiguration.Entry, _ origin: Plan.NamedStage) throws -> Plan.NamedStage {
        var context = context(of: entry)
        context.branches = try entry.branches.map { branch in
            let stages = LoadedConfiguration.withoutNetwork(branch.stages)
            let made = try stages.map { try make($0, origin) }
            return StageBranch(name: branch.name, stages: stages.last?.form.output == .end ? made : made + [origin])
        }
        do {
            return Plan.NamedStage(name: entry.name, stage: try entry.make(context))
        } catch let error as StageError {
            throw ConfigurationErrors([
                configuration.finding("'\(entry.name)': \(error.message)", at: entry, key: error.key)
            ])
        }
    }

    private func context(of entry: LoadedConfiguration.Entry) -> StageContext {
        var logger = logger
        logger[metadataKey: "stage"] = "\(entry.name)"
        var context = StageContext(logger: logger, host: configuration.host)
        context.presence = configuration.lifecycle.map(ServerPresence.init)
        context.offers.remove(.network)
        return context
    }

    /// What the stages say that dial for exchanges, by the branches that lead to them.
    package func dialled() -> DialledCheck {
        var judges: [String?: any DialledAddresses] = [:]
        func look(_ entries: [LoadedConfiguration.Entry], _ route: String?) {
            guard let last = entries.last else { return }
            for branch in last.branches { look(branch.stages, route.map { "\($0)/\(branch.name)" } ?? branch.name) }
            guard last.branches.isEmpty, last.form.input == .exchange else { return }
            judges[route] = (try? last.make(context(of: last))) as? any DialledAddresses
        }
        look(configuration.stages, nil)
        return { [judges] address, route, request in judges[route]?.refusal(ofDialling: address, for: request.host) }
    }
}
