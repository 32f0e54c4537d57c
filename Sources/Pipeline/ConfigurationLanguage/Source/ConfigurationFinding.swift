/// Something that is wrong in a configuration, and where: before it is known in which words of which file.
package struct ConfigurationFinding {
    /// What is wrong, as a sentence without its full stop.
    package var message: String
    /// What the reader can do about it; nil where nothing can be said.
    package var hint: String?
    /// The place in the file, or what overrides it.
    package var origin: ConfigurationNode.Origin
    /// Whether the configuration can be used all the same.
    package var severity: ConfigurationError.Severity

    /// Something that was found at a place.
    package init(
        message: String, hint: String? = nil, origin: ConfigurationNode.Origin, severity: ConfigurationError.Severity
    ) {
        self.message = message
        self.hint = hint
        self.origin = origin
        self.severity = severity
    }
}
