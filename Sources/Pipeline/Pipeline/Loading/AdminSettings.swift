public import ConfigurationLanguage

/// The `admin` key of a file: a second, small pipeline beside the main one, for whoever operates the program.
public struct AdminSettings: NestedConfiguration {
    /// `listen`: where the admin pipeline takes connections.
    public var listen = ListenAddress.tcp(host: "127.0.0.1", port: 9_900)
    /// `names`: host names of requests that are answered beside addresses and `localhost`; others are refused against DNS rebinding.
    public var names: [String] = []

    public init() {}

    public static let schema = Schema<AdminSettings>(
        .optional("listen", \.listen, "Where /livez, /readyz, /metrics and /pipeline are answered."),
        .optional(
            "names", \.names,
            "Host names that it may be asked by. Addresses and localhost always work; other names don't, so that a site in a browser can't read it."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        listen.problems(key: "listen")
            + names.filter { HostName.problem(of: $0) != nil }.map {
                ConfigurationProblem("'\(ForeignText.line($0, limit: 60))' is no host name", key: "names")
            }
    }
}
