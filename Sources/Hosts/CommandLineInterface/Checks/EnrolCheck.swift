package import ConfigurationLanguage
package import Pipeline
import TunnelStages

/// Whether the stages of a server that let machines join fit each other: `enrol` and `mtls`.
package enum EnrolCheck {
    /// What works and is hardly what was meant: warnings.
    package static func findings(_ configuration: LoadedConfiguration) -> [ConfigurationError] {
        let stages = configuration.allStages
        return stages.flatMap { entry -> [ConfigurationError] in
            guard let enrol = entry.configuration as? EnrolConfiguration else { return [] }
            return rosters(enrol, entry, configuration)
        }
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
