import Addresses
package import ConfigurationLanguage
import HTTPMessages

/// `NO_PROXY`: hosts that are reached without a proxy. Entries are separated by commas or spaces: a name for itself and
/// everything below it, with or without a dot or `*.` before it, an address, a network, each also with a port; `*` is all.
package struct NoProxyList: Sendable {
    private let entries: [Substring]

    /// Reads the value of `NO_PROXY`; no entry is refused, one that is malformed covers nothing.
    package init(_ text: String) {
        entries = text.split { $0 == "," || $0.isWhitespace }
    }

    /// Whether the server is reached without a proxy. Its host is compared as it is written and isn't resolved.
    package func covers(_ server: HostPort) -> Bool {
        let host = Self.normalized(server.host)
        let address = IPAddress(host: server.host)
        return entries.contains { entry in
            if entry == "*" { return true }
            if let address, let network = Network(String(entry)) { return [network].haveAll(reachedBy: address) }
            guard let (name, port) = Self.split(entry), port == nil || port == server.port else { return false }
            if let address { return Network(name).map { [$0].haveAll(reachedBy: address) } ?? false }
            return host == name || host.hasSuffix("." + name)
        }
    }

    private static func split(_ entry: Substring) -> (name: String, port: Int?)? {
        var entry = entry
        if entry.hasPrefix("*.") { entry = entry.dropFirst() }
        while entry.first == "." { entry = entry.dropFirst() }
        guard let authority = Authority(String(entry)) else { return nil }
        return (normalized(authority.host), authority.port)
    }

    private static func normalized(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
