#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An IP address, and the one place that says what it is. A value of two numbers, for it is made for every connection that is
/// dialled: to make one of a socket's address and to judge it allocates nothing.
///
/// An IPv4-mapped address (`::ffff:192.0.2.1`, RFC 4291, 2.5.5.2) is the IPv4 address: a socket that is given one sends IPv4. So
/// there is no value for it. Every other address that has an IPv4 address in it stays what it is written as; what dialling it may
/// reach say `mayReach` and `reachesOnly`.
package struct IPAddress: Sendable, Hashable {
    /// The version of the protocol.
    package enum Family: Sendable {
        /// IPv4 (RFC 791).
        case v4
        /// IPv6 (RFC 8200).
        case v6

        /// The length of an address in bits.
        package var bits: Int { self == .v4 ? 32 : 128 }
    }

    /// IPv4, for an IPv4-mapped address as well.
    package let family: Family
    /// The first 64 bits, and those behind them. An IPv4 address stands at the front.
    let high: UInt64
    let low: UInt64

    /// An IPv4 address as a number, its first byte the most significant.
    package init(v4 number: UInt32) {
        family = .v4
        high = UInt64(number) << 32
        low = 0
    }

    /// An IPv6 address as two numbers, the first byte of each the most significant.
    package init(high: UInt64, low: UInt64) {
        let isMapped = high == 0 && low >> 32 == 0xFFFF
        self = isMapped ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : IPAddress(family: .v6, high: high, low: low)
    }

    /// The first address of IPv6 that begins with the same `prefix` bits.
    init(high: UInt64, low: UInt64, prefix: Int) {
        self = IPAddress(family: .v6, high: high, low: low).masked(prefix)
    }

    /// Without regard to what the bits mean.
    private init(family: Family, high: UInt64, low: UInt64) {
        self.family = family
        self.high = high
        self.low = low
    }

    /// The last 32 bits of an IPv6 address, as an IPv4 address.
    var last: IPAddress { IPAddress(v4: UInt32(truncatingIfNeeded: low)) }

    /// With all bits behind the first `prefix` zero.
    func masked(_ prefix: Int) -> IPAddress {
        // A shift by all of a number's bits or more gives zero.
        let highMask = ~(UInt64.max >> min(prefix, 64))
        let lowMask = ~(UInt64.max >> max(prefix - 64, 0))
        return IPAddress(family: family, high: high & highMask, low: low & lowMask)
    }

    /// Its 4 or 16 bytes, in network order.
    package var bytes: [UInt8] {
        (0..<family.bits / 8).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - UInt64($0 % 8) * 8)) }
    }
}

extension IPAddress: CustomStringConvertible {
    /// As the system's library writes it: `192.0.2.1`, `2001:db8::1`.
    package var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = family == .v4 ? AF_INET : AF_INET6
        // It fails only where there is no room for the text.
        guard inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
