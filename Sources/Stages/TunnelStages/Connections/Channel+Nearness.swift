import Addresses
import NIOCore

extension Channel {
    /// Whether whoever is at the other end is on this machine: both addresses are of loopback, or the connection is one of a Unix socket. Where
    /// that isn't known he is elsewhere.
    var isWithinThisMachine: Bool {
        if localAddress?.isUnixSocket == true || remoteAddress?.isUnixSocket == true { return true }
        return localAddress?.isLoopback == true && remoteAddress?.isLoopback == true
    }
}

extension SocketAddress {
    fileprivate var isUnixSocket: Bool { if case .unixDomainSocket = self { true } else { false } }
}
