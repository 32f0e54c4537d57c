import Addresses

extension ListenAddress {
    /// Where programs on this machine reach it: a listener on every address is asked on this machine's own.
    package var fromHere: ListenAddress {
        guard case .tcp(let host, let port) = self, let address = IPAddress(host: host), address.isUnspecified else { return self }
        return .tcp(host: address.family == .v4 ? "127.0.0.1" : "::1", port: port)
    }
}
