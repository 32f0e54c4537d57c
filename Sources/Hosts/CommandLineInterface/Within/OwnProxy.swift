import ConfigurationLanguage
import Pipeline
import TunnelStages

/// The proxy of this machine's agent, as its configuration says: what programs are told of it.
struct OwnProxy {
    /// The configuration's file.
    let file: String
    /// Where it listens, by an address that programs on this machine reach.
    let address: ListenAddress
    /// Whether it speaks HTTP, or SOCKS5 alone.
    let speaksHTTP: Bool

    init(_ given: String?, _ options: ConfigurationOptions) throws {
        file = try ConfigurationPlace.agent.find(given)
        let stages = try options.load(file, host: .agent, checksFiles: false).allStages.map(\.configuration)
        // Of several ways in, the one that speaks with programs that know a proxy.
        let proxy =
            stages.firstIndex { $0 is HTTPConfiguration || $0 is DetectConfiguration }
            ?? stages.firstIndex { $0 is SOCKSConfiguration }
        let accept = proxy.flatMap { stages[..<$0].last { $0 is AcceptConfiguration } } as? AcceptConfiguration
        guard let proxy, let accept else {
            throw StageError(
                .configuration, "\(file) has no proxy that programs could use: 'accept' with 'http', 'socks' or 'detect' behind it")
        }
        if case .tcp(_, 0) = accept.listen {
            throw StageError(
                .configuration, "'accept' in \(file) listens on a port that the system chooses; give it one, 127.0.0.1:8080 say")
        }
        address = accept.listen.fromHere
        speaksHTTP = !(stages[proxy] is SOCKSConfiguration)
    }

    /// What programs read, name by name, to use the proxy.
    ///
    /// - Parameter program: This program's path, for ssh.
    func variables(program: String) throws -> [(name: String, value: String)] {
        guard case .tcp(let host, let port) = address else {
            throw StageError(
                .configuration, "'accept' in \(file) listens on a Unix socket, which programs can't use as their proxy")
        }
        let place = HostPort(host: host, port: port)
        let url = speaksHTTP ? "http://\(place)" : "socks5h://\(place)"
        let local = "localhost,127.0.0.1,::1"
        var result: [(String, String)] = []
        for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            result.append((name, url))
        }
        for name in ["no_proxy", "NO_PROXY"] { result.append((name, local)) }
        let command = "\(ShellText.quoted(program)) ssh-proxy --config \(ShellText.quoted(file)) %h %p"
        result.append(("GIT_SSH_COMMAND", "ssh -o ProxyCommand=\(ShellText.quoted(command))"))
        result.append(("JAVA_TOOL_OPTIONS", Self.java(host, port, speaksHTTP)))
        if speaksHTTP { result.append(("NODE_USE_ENV_PROXY", "1")) }
        return result
    }

    private static func java(_ host: String, _ port: Int, _ speaksHTTP: Bool) -> String {
        guard speaksHTTP else { return "-DsocksProxyHost=\(host) -DsocksProxyPort=\(port)" }
        return "-Dhttp.proxyHost=\(host) -Dhttp.proxyPort=\(port) -Dhttps.proxyHost=\(host) -Dhttps.proxyPort=\(port)"
    }
}
