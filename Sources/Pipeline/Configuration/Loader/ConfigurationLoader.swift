/// Reads configuration files. All errors of a file are found in one run.
public struct ConfigurationLoader: Sendable {
    let registry: StageRegistry
    let environment: [String: String]

    public init(registry: StageRegistry, environment: [String: String]) {
        self.registry = registry
        self.environment = environment
    }

    public func load(
        path: String, host: HostKind?, overrides: [ConfigurationOverride] = []
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        throw ConfigurationErrors([])
    }

    public func load(
        text: String, file: String, host: HostKind?, overrides: [ConfigurationOverride] = []
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        throw ConfigurationErrors([])
    }
}
