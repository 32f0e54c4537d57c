package import ConfigurationLanguage
package import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the environment says of proxies, in the variables that curl and others go by.
package struct ProxyEnvironment: Sendable {
    private let variables: @Sendable (String) -> String?

    /// The variables of this process.
    package static let process = ProxyEnvironment { name in getenv(name).map { String(cString: $0) } }

    /// An environment read from a lookup by a variable's name; nil and the empty text both count as not set.
    package init(_ variables: @escaping @Sendable (String) -> String?) {
        self.variables = variables
    }

    /// The way to a server: tunnels are for TLS, so `HTTPS_PROXY` counts, then `ALL_PROXY`; `NO_PROXY` before both. Lower case
    /// goes before capitals.
    package func route(to server: HostPort?) throws(StageError) -> Route {
        if let server, let (_, list) = first(["no_proxy", "NO_PROXY"]), NoProxyList(list).covers(server) { return .direct }
        guard let (name, value) = first(Self.proxies) else { return .direct }
        do {
            return .proxy(try ProxyAddress(url: value))
        } catch {
            // The value itself may have a password in it.
            throw StageError(
                .configuration, "the environment's \(name) is no HTTP proxy: \(error.reason ?? "it can't be read")", key: "via")
        }
    }

    /// Whether a proxy is named, for whichever server.
    package var namesProxy: Bool { first(Self.proxies) != nil }

    /// What names one, for people, without credentials; nil for nothing.
    package var namedProxy: String? {
        guard let (name, value) = first(Self.proxies) else { return nil }
        guard let proxy = try? ProxyAddress(url: value) else { return "\(name) names something that is no HTTP proxy" }
        return "\(name) names the proxy \(proxy.url)"
    }

    private static let proxies = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]

    private func first(_ names: [String]) -> (name: String, value: String)? {
        for name in names {
            if let value = variables(name), !value.isEmpty { return (name, value) }
        }
        return nil
    }
}
