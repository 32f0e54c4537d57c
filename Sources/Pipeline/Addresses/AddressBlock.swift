/// The addresses that begin with the same bits (RFC 4632 for IPv4, RFC 4291, 2.3 for IPv6).
struct AddressBlock: Sendable, Equatable {
    /// The first of them.
    let base: IPAddress
    /// How many bits are the same.
    let prefix: Int

    /// Reads `10.0.0.0/8`, `fd00::/8`, or an address alone. What is written inside `::ffff:0:0/96` is a block of IPv4: so is every
    /// address in it. A wider one of IPv6 has no IPv4 address.
    init?(_ text: String) {
        let slash = text.utf8.firstIndex(of: UInt8(ascii: "/"))
        guard let bits = IPAddress.bits(of: slash.map { String(text[..<$0]) } ?? text) else { return nil }
        var prefix = bits.family.bits
        if let slash {
            let digits = text.utf8[slash...].dropFirst()
            guard (1...3).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(Substring(digits)), number <= prefix
            else { return nil }
            prefix = number
        }
        let isMapped = bits.family == .v6 && bits.high == 0 && bits.low >> 32 == 0xFFFF && prefix >= 96
        switch bits.family {
        case .v4: self.init(IPAddress(v4: UInt32(truncatingIfNeeded: bits.high >> 32)), prefix: prefix)
        case .v6 where isMapped: self.init(IPAddress(v4: UInt32(truncatingIfNeeded: bits.low)), prefix: prefix - 96)
        // Without its last bits: a mapped address in a wider block would be taken for IPv4 otherwise.
        case .v6: self.init(IPAddress(high: bits.high, low: bits.low, prefix: prefix), prefix: prefix)
        }
    }

    private init(_ address: IPAddress, prefix: Int) {
        base = address.masked(prefix)
        self.prefix = prefix
    }

    /// Whether the text that this was read from has the first of its addresses, and no other.
    func isExact(_ text: String) -> Bool {
        let address = String(text.prefix { $0 != "/" })
        guard let written = IPAddress(address), written.family == base.family else {
            // Of a block that is wider than `::ffff:0:0/96`, a mapped address would be taken for IPv4.
            return IPAddress.bits(of: address).map { $0.high == base.high && $0.low == base.low } ?? false
        }
        return written == base
    }

    /// Whether it has an address itself, whatever is in that.
    func contains(_ address: IPAddress) -> Bool { address.family == base.family && address.masked(prefix) == base }

    /// Whether it is a single address.
    var isOneAddress: Bool { prefix == base.family.bits }
}
