package import NIOCore

extension SocketAddress {
    /// Address and port without the family's name. An IPv4 client of a socket for both families has its IPv4 address.
    package var shortDescription: String {
        guard let address = IPAddress(self), let port else { return "unix" }
        return address.family == .v6 ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
