public import ConfigurationLanguage

/// The `audit` key of a file: where records go of what matters for security.
public struct AuditSettings: NestedConfiguration {
    /// `to`: a file, which is appended to and opened anew on SIGHUP, or `stdout` or `stderr`.
    public var to = OutputPath.standardError

    public init() {}

    public static let schema = Schema<AuditSettings>(
        .required("to", \.to, "Where the records go, a line of JSON each. A file is appended to, and opened anew on SIGHUP.")
    )
}
