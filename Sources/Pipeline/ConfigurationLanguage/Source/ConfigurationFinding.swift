/// Something that is wrong in a configuration, and where: before it is known in which words of which file.
package struct ConfigurationFinding {
    package var message: String
    package var hint: String?
    package var origin: ConfigurationNode.Origin
    package var severity: ConfigurationError.Severity

    package init(
        message: String, hint: String? = nil, origin: ConfigurationNode.Origin, severity: ConfigurationError.Severity
    ) {
        self.message = message
        self.hint = hint
        self.origin = origin
        self.severity = severity
    }
}
