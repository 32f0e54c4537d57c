/// The ways in which an IPv6 address has an IPv4 address in it, and where it stands. What is sent to such an address may end up
/// at the IPv4 one: a translator or a tunnel's end does that, on this machine or on the way, and nobody can see it in the address.
///
/// The IPv4-mapped form isn't among them: such an address is the IPv4 one (`IPAddress`).
enum EmbeddedAddress {
    /// `64:ff9b::/96`, the well-known prefix of NAT64 (RFC 6052, 2.1).
    case wellKnownTranslation
    /// In `64:ff9b:1::/48`, for translators of a network's own (RFC 8215), with a prefix of 96 bits. Nobody knows which length a
    /// network has chosen, so each that fits counts.
    case localTranslation96
    /// The same with 64 bits. With this and the shorter ones the last bits are zero, and bits 64 to 71 are left out (RFC 6052, 2.2).
    case localTranslation64
    /// The same with 56 bits.
    case localTranslation56
    /// The same with 48 bits.
    case localTranslation48
    /// `::/96` but `::` and `::1`, IPv4-compatible (RFC 4291, 2.5.5.1): the end of an automatic tunnel (RFC 2893, 5).
    case compatible
    /// `::ffff:0:0:0/96`, IPv4-translated (RFC 2765, 2.1).
    case translated
    /// `2002::/16`, 6to4 (RFC 3056, 2): the end of a tunnel.
    case sixToFour
    /// `2001::/32`, Teredo (RFC 4380, 4): its server.
    case teredoServer
    /// The same: its client, whose bits are turned over.
    case teredoClient
    /// Any prefix, and an interface identifier that begins with `0000:5efe` or `0200:5efe`, ISATAP (RFC 5214, 6.1): the end of a
    /// tunnel.
    case isatap

    static let all: [EmbeddedAddress] = [
        .wellKnownTranslation, .localTranslation96, .localTranslation64, .localTranslation56, .localTranslation48, .compatible,
        .translated, .sixToFour, .teredoServer, .teredoClient, .isatap,
    ]

    /// What stands in an address in this way; nil if it isn't of this form.
    func address(in address: IPAddress) -> IPAddress? {
        guard address.family == .v6 else { return nil }
        let (high, low) = (address.high, address.low)
        let isLocalTranslation = high >> 16 == 0x0064_FF9B_0001
        switch self {
        case .wellKnownTranslation:
            return high == 0x0064_FF9B_0000_0000 && low >> 32 == 0 ? address.last : nil
        case .localTranslation96:
            // The last bits of an address with a shorter prefix aren't `0.0.0.0`.
            return isLocalTranslation && (low == 0 || low & 0xFFFF_FFFF != 0) ? address.last : nil
        case .localTranslation64:
            return isLocalTranslation && low >> 56 == 0 && low & 0xFF_FFFF == 0 ? Self.v4(low >> 24) : nil
        case .localTranslation56:
            return isLocalTranslation && low >> 56 == 0 && low & 0xFFFF_FFFF == 0
                ? Self.v4((high & 0xFF) << 24 | low >> 32) : nil
        case .localTranslation48:
            return isLocalTranslation && low >> 56 == 0 && low & 0xFF_FFFF_FFFF == 0
                ? Self.v4((high & 0xFFFF) << 16 | low >> 40) : nil
        case .compatible:
            return high == 0 && low >> 32 == 0 && low > 1 ? address.last : nil
        case .translated:
            return high == 0 && low >> 32 == 0xFFFF_0000 ? address.last : nil
        case .sixToFour:
            return high >> 48 == 0x2002 ? Self.v4(high >> 16) : nil
        case .teredoServer:
            return high >> 32 == 0x2001_0000 ? Self.v4(high) : nil
        case .teredoClient:
            return high >> 32 == 0x2001_0000 ? Self.v4(~low) : nil
        case .isatap:
            // The bit that differs says whether the IPv4 address is the only one in the world.
            return low >> 32 & 0xFDFF_FFFF == 0x0000_5EFE ? address.last : nil
        }
    }

    /// The last 32 bits of a number.
    private static func v4(_ number: UInt64) -> IPAddress { IPAddress(v4: UInt32(truncatingIfNeeded: number)) }
}
