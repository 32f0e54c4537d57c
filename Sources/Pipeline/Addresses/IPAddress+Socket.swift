package import NIOCore

extension IPAddress {
    /// The address of a socket, without its port, its zone and its flow; nil for a Unix socket.
    package init?(_ address: SocketAddress) {
        switch address {
        case .v4:
            // sin_addr stands behind the family and the port.
            let number = address.withSockAddr { pointer, _ in
                UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            }
            self.init(v4: UInt32(bigEndian: number))
        case .v6:
            // sin6_addr stands behind the family, the port and the flow.
            let (high, low) = address.withSockAddr { pointer, _ in
                let raw = UnsafeRawPointer(pointer)
                return (
                    raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self), raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                )
            }
            self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        case .unixDomainSocket:
            return nil
        }
    }
}

extension SocketAddress {
    /// An address and a port, 0 to 65535.
    package init?(_ address: IPAddress, port: Int) {
        guard let socket = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: address.bytes), port: port) else { return nil }
        self = socket
    }

    /// Whether it is a loopback address, and no Unix socket.
    package var isLoopback: Bool { IPAddress(self)?.isLoopback ?? false }
}
