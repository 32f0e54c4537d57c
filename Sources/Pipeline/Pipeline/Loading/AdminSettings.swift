public import ConfigurationLanguage

/// The `admin` key of a file: a second, small pipeline beside the main one, for whoever operates the program.
public struct AdminSettings: NestedConfiguration {
    /// `listen`: where the admin pipeline takes connections.
    public var listen = ListenAddress.tcp(host: "127.0.0.1", port: 9_900)
    /// `names`: host names of requests that are answered beside addresses and `localhost`; others are refused against DNS rebinding.
    public var names: [String] = []
    /// `token`: what whoever sees what people do, or changes something, has to show; nil where only this machine may.
    public var token: Secret?

    public init() {}

    public static let schema = Schema<AdminSettings>(
        .optional("listen", \.listen, "Where the live page, /livez, /readyz, /metrics and more are answered."),
        .optional(
            "names", \.names,
            "Host names that it may be asked by. Addresses and localhost always work; other names don't, so that a site in a browser can't read it."
        ),
        .optional(
            "token", \.token,
            "What has to be shown for whatever tells of people or changes something. Without one, only connections to this machine's own addresses may."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        listen.problems(key: "listen")
            + names.filter { HostName.problem(of: $0) != nil }.map {
                ConfigurationProblem("'\(ForeignText.line($0, limit: 60))' is no host name", key: "names")
            }
    }
}
