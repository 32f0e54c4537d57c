package import NIOCore

extension SocketAddress {
    /// Address and port without the family's name.
    package var shortDescription: String {
        guard let ipAddress, let port else { return "unix" }
        return ipAddress.contains(":") ? "[\(ipAddress)]:\(port)" : "\(ipAddress):\(port)"
    }
}
