import ArgumentParser
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What commands that read a configuration have in common.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Set one value above the file and the environment, such as pipeline.accept.listen=127.0.0.1:9000.",
            valueName: "path=value"))
    var settings: [String] = []

    @Option(help: "Take the file's profile of that name; by default the one that FLUIDITY_PROFILE names.")
    var profile: String?

    @Option(name: .customLong("log-level"), help: "Set log.level: trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?

    func load(
        _ path: String, host: HostKind?, checksFiles: Bool = true, adding more: [ConfigurationOverride] = [],
        standingIn: [String: String] = [:], profile: String? = nil
    ) throws -> LoadedConfiguration {
        try reading(path, host: host, checksFiles: checksFiles, adding: more, standingIn: standingIn, profile: profile)()
    }

    /// Reads the file each time it is called.
    ///
    /// - Parameter standingIn: Variables that count where the environment has none of the name.
    func reading(
        _ path: String, host: HostKind?, checksFiles: Bool = true, adding more: [ConfigurationOverride] = [],
        standingIn: [String: String] = [:], profile: String? = nil
    ) throws -> @Sendable () throws -> LoadedConfiguration {
        let loader = loader(checksFiles: checksFiles, standingIn: standingIn, profile: profile)
        let all = try overrides() + more
        return { try loader.load(path: path, host: host, overrides: all) }
    }

    /// What the command line sets.
    func overrides() throws -> [ConfigurationOverride] {
        var overrides: [ConfigurationOverride] = []
        for setting in settings {
            guard let override = ConfigurationOverride(argument: setting) else {
                throw ValidationError("--set wants path=value, not '\(setting)'")
            }
            overrides.append(override)
        }
        if let logLevel { overrides.append(ConfigurationOverride(path: "log.level", value: logLevel, origin: "--log-level")) }
        return overrides
    }

    func loader(
        checksFiles: Bool = false, standingIn: [String: String] = [:], profile other: String? = nil
    ) -> ConfigurationLoader {
        let environment = standingIn.merging(ProcessInfo.processInfo.environment) { $1 }
        return ConfigurationLoader(
            registry: KnownStages.registry, environment: environment, ignoredVariables: [ConfigurationPlace.variable],
            profile: other ?? profile, checksFiles: checksFiles)
    }
}
