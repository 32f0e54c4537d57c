import NIOCore

/// An address as the bytes that decide: an IPv4 address inside an IPv6 one (mapped, translated, tunnelled) counts as itself,
/// for that is where the packets go. In two numbers, for it is looked at for every connection that is made.
struct AddressBytes: Sendable, Equatable {
    /// 32 or 128.
    let bits: Int
    /// The first 64 bits, and those behind them. An IPv4 address stands at the front.
    let high: UInt64
    let low: UInt64

    private init(bits: Int, high: UInt64, low: UInt64) {
        self.bits = bits
        self.high = high
        self.low = low
    }

    /// Without regard to what is inside.
    init?(exactly address: SocketAddress) {
        switch address {
        case .v4:
            let number = address.withSockAddr { pointer, _ in
                UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            }
            self.init(v4: UInt32(bigEndian: number))
        case .v6:
            let (high, low) = address.withSockAddr { pointer, _ in
                let raw = UnsafeRawPointer(pointer)
                return (
                    raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self), raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                )
            }
            self.init(bits: 128, high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
        case .unixDomainSocket:
            return nil
        }
    }

    init?(_ address: SocketAddress) {
        guard let exact = AddressBytes(exactly: address) else { return nil }
        self = exact.bits == 128 ? exact.embedded : exact
    }

    private init(v4 number: UInt32) { self.init(bits: 32, high: UInt64(number) << 32, low: 0) }

    /// The IPv4 address inside, or this one.
    private var embedded: AddressBytes {
        let last = UInt32(truncatingIfNeeded: low)
        switch (high, low >> 32) {
        case (0, 0xFFFF): return AddressBytes(v4: last)  // ::ffff:0:0/96, mapped
        case (0, 0) where last & 0xFEFE_FEFE != 0: return AddressBytes(v4: last)  // ::/96; 0 and 1 alone are IPv6's own
        case (0x0064_FF9B_0000_0000, 0): return AddressBytes(v4: last)  // 64:ff9b::/96, NAT64 (RFC 6052)
        default: break
        }
        if high >> 48 == 0x2002 { return AddressBytes(v4: UInt32(truncatingIfNeeded: high >> 16)) }  // 2002::/16, 6to4 (RFC 3056)
        return self
    }

    /// Whether it is this machine's own: 127.0.0.0/8 or ::1 (RFC 6890).
    var isLoopback: Bool { bits == 32 ? high >> 56 == 127 : (high, low) == (0, 1) }

    /// With all bits behind the first `prefix` zero.
    func masked(_ prefix: Int) -> AddressBytes {
        // A shift by all of a number's bits or more gives zero.
        let highMask = ~(UInt64.max >> min(prefix, 64))
        let lowMask = ~(UInt64.max >> max(prefix - 64, 0))
        return AddressBytes(bits: bits, high: high & highMask, low: low & lowMask)
    }

    /// In network order.
    var bytes: [UInt8] {
        (0..<bits / 8).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - UInt64($0 % 8) * 8)) }
    }
}

extension SocketAddress {
    /// Whether it is this machine's own, and no Unix socket.
    var isLoopback: Bool { AddressBytes(self)?.isLoopback ?? false }

    /// The 4 bytes of an IPv4 address or the 16 of an IPv6 one, in network order; nil for a Unix socket.
    var rawBytes: [UInt8]? { AddressBytes(exactly: self)?.bytes }
}
