package import NIOCore

/// What of an address stands for one client: an IPv4 address, the first 64 bits of an IPv6 address, for who has one of these has all
/// behind it, or this machine, for a Unix socket. An IPv4 address that a listener sees as an IPv6 one (`::ffff:192.0.2.1`, RFC 4291,
/// 2.5.5.2) counts as itself, or all of them together would be one client.
package struct ClientNetwork: Hashable, Sendable {
    private enum Family: UInt8 {
        case unix, v4, v6
    }

    private let family: Family
    private let bits: UInt64

    /// - Parameter address: Nil for a connection that has none, by a Unix socket say.
    package init(_ address: SocketAddress?) {
        switch address {
        case nil, .unixDomainSocket:
            (family, bits) = (.unix, 0)
        case .v4(let address):
            let number = SocketAddress.v4(address).load(UInt32.self, at: 4)
            (family, bits) = (.v4, UInt64(UInt32(bigEndian: number)))
        case .v6(let address):
            let high = UInt64(bigEndian: SocketAddress.v6(address).load(UInt64.self, at: 8))
            let low = UInt64(bigEndian: SocketAddress.v6(address).load(UInt64.self, at: 16))
            let isMapped = high == 0 && low >> 32 == 0xFFFF
            (family, bits) = isMapped ? (.v4, low & 0xFFFF_FFFF) : (.v6, high)
        }
    }
}

extension SocketAddress {
    /// A number of the socket address structure, as it lies there.
    fileprivate func load<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type, at offset: Int) -> Number {
        withSockAddr { pointer, _ in UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: offset, as: type) }
    }
}
