import Addresses

/// Where to listen: `127.0.0.1:8080`, `[::]:8443`, `unix:/run/fluidity.sock`. Port 0 lets the system choose one.
public enum ListenAddress: Sendable, Hashable, ScalarConfigurationValue, CustomStringConvertible {
    /// An address, without brackets, or a host name, and a port, which is 0 for one that the system chooses.
    case tcp(host: String, port: Int)
    /// A Unix domain socket at a path of at most 103 bytes (unix(7)).
    case unix(path: String)

    public static var typeDescription: String { "an address and a port such as 127.0.0.1:8080, or unix:PATH" }

    public init(configured text: String) throws(InvalidValue) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
            guard !path.isEmpty, !path.utf8.contains(0) else { throw InvalidValue("the path is missing") }
            // sun_path has 108 bytes on Linux, 104 on macOS, with the zero at the end.
            guard path.utf8.count < 104 else { throw InvalidValue("a socket's path has at most 103 bytes") }
            self = .unix(path: path)
            return
        }
        if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            throw InvalidValue("the address is missing", hint: "write 127.0.0.1:\(text), or 0.0.0.0:\(text) for every interface")
        }
        let address = try HostPort(text, leastPort: 0)
        self = .tcp(host: address.host, port: address.port)
    }

    public var description: String {
        switch self {
        case .tcp(let host, let port): HostPort(host: host, port: port).description
        case .unix(let path): "unix:\(path)"
        }
    }

    public var printed: String { PlainText.quotedIfNeeded(description) }
}

extension ListenAddress {
    /// What a configuration with a name in the place of an address is told. One socket has one address, and a name may have several:
    /// `localhost` is `127.0.0.1` and `::1`.
    package func problems(key: String) -> [ConfigurationProblem] {
        guard case .tcp(let host, let port) = self, IPAddress(host: host) == nil else { return [] }
        let hint =
            IPAddress.isLoopback(host: host)
            ? "write 127.0.0.1:\(port), or [::1]:\(port) for IPv6" : "write the address, or 0.0.0.0:\(port) for every interface"
        return [.warning("'\(key)' has a name, '\(host)': of its addresses the first alone is listened on", key: key, hint: hint)]
    }
}
