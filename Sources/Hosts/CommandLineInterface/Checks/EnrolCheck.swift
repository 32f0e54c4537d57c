package import ConfigurationLanguage
package import Pipeline
import TunnelStages

/// Whether the stages of a server that let machines join fit each other: `enrol`, `mtls` and `accept`.
package enum EnrolCheck {
    /// What doesn't work, and what works and is hardly what was meant.
    package static func findings(_ configuration: LoadedConfiguration) -> [ConfigurationError] {
        let stages = configuration.allStages
        return stages.flatMap { entry -> [ConfigurationError] in
            guard let enrol = entry.configuration as? EnrolConfiguration else { return [] }
            return desks(enrol, entry, configuration) + rosters(enrol, entry, configuration)
        }
    }

    /// A desk that is this very server carries everything to itself, until no place is left.
    private static func desks(
        _ enrol: EnrolConfiguration, _ entry: LoadedConfiguration.Entry, _ configuration: LoadedConfiguration
    ) -> [ConfigurationError] {
        guard let desk = enrol.desk, configuration.listeners.contains(where: { isSame($0.address, desk) }) else { return [] }
        return [
            configuration.finding(
                "'desk' is \(desk), where this server listens itself", at: entry, key: "desk",
                hint: "name the server that has the authority's key")
        ]
    }

    /// Whether a desk is surely reached where somebody listens: for all addresses of a machine, only what is never another machine's.
    private static func isSame(_ listen: ListenAddress, _ desk: ListenAddress) -> Bool {
        guard listen != desk else { return true }
        guard case .tcp(let here, let port) = listen, case .tcp(let there, port) = desk else { return false }
        return ["0.0.0.0", "::"].contains(here) && (there.hasPrefix("127.") || there == "::1")
    }

    /// Who is revoked in a folder that `mtls` doesn't look into still comes in.
    private static func rosters(
        _ enrol: EnrolConfiguration, _ entry: LoadedConfiguration.Entry, _ configuration: LoadedConfiguration
    ) -> [ConfigurationError] {
        let verifying = configuration.allStages.compactMap { stage -> String?? in
            guard stage.form.input == .inbound, let mtls = stage.configuration as? MTLSConfiguration else { return nil }
            return .some(mtls.agents?.path)
        }
        guard enrol.desk == nil, let other = verifying.first(where: { $0 != enrol.agents?.path }) else { return [] }
        let message =
            switch (enrol.agents?.path, other) {
            case (nil, _): "'enrol' has no 'agents', which 'mtls' has: who joins isn't noted there"
            case (_, nil): "'enrol' has 'agents', and 'mtls' has none: who is revoked still comes in"
            default: "'agents' of 'enrol' and of 'mtls' are two folders"
            }
        return [
            configuration.finding(
                message, at: entry, key: "agents", hint: "give both stages the same 'agents'", severity: .warning)
        ]
    }
}
