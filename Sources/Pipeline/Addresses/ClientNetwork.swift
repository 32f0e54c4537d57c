package import NIOCore

/// What of an address stands for one client: `IPAddress.holder`, or this machine, for a Unix socket.
package struct ClientNetwork: Hashable, Sendable {
    /// Nil for this machine.
    private let holder: IPAddress?

    /// - Parameter address: Nil for a connection that has none, by a Unix socket say.
    package init(_ address: SocketAddress?) {
        holder = address.flatMap { IPAddress($0) }?.holder
    }
}
