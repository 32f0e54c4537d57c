import Pipeline

/// Where a request goes: what connections are pooled by.
struct Origin: Hashable {
    var isSecure: Bool
    /// Without brackets; in lower case for requests.
    var host: String
    var port: Int

    /// What is remembered of addresses is remembered for this.
    var place: HostPort { HostPort(host: host.lowercased(), port: port) }
}
