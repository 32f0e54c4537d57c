#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension IPAddress {
    /// Reads an address in its usual form, four decimal numbers or RFC 4291, 2.2, without a zone. Nil for anything else.
    package init?(_ text: String) {
        guard let bits = Self.bits(of: text) else { return nil }
        switch bits {
        case (.v4, let high, _): self.init(v4: UInt32(truncatingIfNeeded: high >> 32))
        case (.v6, let high, let low): self.init(high: high, low: low)
        }
    }

    /// The address that a host is written as, if it is no name: what dialling it leads to without a question to anybody.
    ///
    /// Beside the usual forms these are the numbers that `inet_aton` reads, and `getaddrinfo` with it: `127.1`, `0x7f.1`,
    /// `0177.0.0.1`, `2130706433`, `0`. A dot at the end changes nothing, as for browsers (WHATWG URL, 3.5), and a zone
    /// (`fe80::1%eth0`, RFC 4007, 11) is left out: it says by which link, not to whom.
    package init?(host: String) {
        guard let first = host.utf8.first else { return nil }
        guard !host.utf8.contains(UInt8(ascii: ":")) else {
            let zone = host.utf8.firstIndex(of: UInt8(ascii: "%"))
            self.init(zone.map { String(host[..<$0]) } ?? host)
            return
        }
        // Most hosts are names, and end here or at the first letter that no number has.
        guard (0x30...0x39).contains(first), host.utf8.allSatisfy(Self.isNumberByte) else { return nil }
        let text = host.utf8.last == UInt8(ascii: ".") ? String(host.dropLast()) : host
        var number: UInt32 = 0
        let isNumber = withUnsafeMutablePointer(to: &number) { pointer in
            pointer.withMemoryRebound(to: in_addr.self, capacity: 1) { address in text.withCString { inet_aton($0, address) != 0 } }
        }
        guard isNumber else { return nil }
        self.init(v4: UInt32(bigEndian: number))
    }

    /// The bits of an address as it is written, a mapped one not taken apart; IPv4 in the first 32.
    static func bits(of text: String) -> (family: Family, high: UInt64, low: UInt64)? {
        // What isn't an address may be longer than one, or end with a zero where the library stops.
        guard text.utf8.count < Int(INET6_ADDRSTRLEN), text.utf8.allSatisfy(Self.isAddressByte) else { return nil }
        guard text.utf8.contains(UInt8(ascii: ":")) else {
            var number: UInt32 = 0
            guard text.withCString({ inet_pton(AF_INET, $0, &number) }) == 1 else { return nil }
            return (.v4, UInt64(UInt32(bigEndian: number)) << 32, 0)
        }
        var numbers: (UInt64, UInt64) = (0, 0)
        guard text.withCString({ inet_pton(AF_INET6, $0, &numbers) }) == 1 else { return nil }
        return (.v6, UInt64(bigEndian: numbers.0), UInt64(bigEndian: numbers.1))
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        // Digits and the colon stand in one row.
        (0x30...0x3A).contains(byte) || (0x61...0x66).contains(byte | 0x20) || byte == UInt8(ascii: ".")
    }

    private static func isNumberByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20) || byte | 0x20 == UInt8(ascii: "x")
            || byte == UInt8(ascii: ".")
    }
}
