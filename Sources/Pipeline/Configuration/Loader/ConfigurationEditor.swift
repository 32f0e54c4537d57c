/// Changes single values in a configuration file's text, keeping its comments, order and layout.
public struct ConfigurationEditor: Sendable {
    private let text: String
    private let file: String

    public init(text: String, file: String) {
        self.text = text
        self.file = file
    }

    /// The text with one value set. `path` is as in `ConfigurationOverride`.
    public func setting(path: String, to value: String) throws(ConfigurationErrors) -> String {
        throw ConfigurationErrors([])
    }
}
