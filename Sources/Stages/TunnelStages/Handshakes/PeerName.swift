/// A name that a peer's certificate has to carry: a DNS name or a URI, never an address. The common name doesn't count
/// (RFC 9525, 2).
package enum PeerName: Sendable, Hashable, CustomStringConvertible {
    /// A DNS name in lower case, without a dot at its end.
    case dns(String)
    /// A URI as it was written, with a scheme and `://`.
    case uri(String)

    /// Reads a name; nil for what is neither kind: an IP address in any of its spellings, an empty name, one with a byte that no name has.
    package init?(_ text: String) {
        // Visible ASCII only; before case is changed, which turns some other characters into ASCII letters.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        if text.contains(":") {
            // An IPv6 address has a colon too, but no scheme before it and no slash after it.
            guard let scheme = text.firstRange(of: "://").map({ text[..<$0.lowerBound] }),
                scheme.utf8.first.map(Self.isLetter) == true, scheme.utf8.allSatisfy(Self.isSchemeByte)
            else { return nil }
            self = .uri(text)
        } else {
            var name = text.lowercased()
            if name.hasSuffix(".") { name.removeLast() }
            guard !name.isEmpty, name.utf8.count <= 253, !Self.looksLikeAddress(name),
                name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isLabel)
            else { return nil }
            self = .dns(name)
        }
    }

    package var description: String {
        switch self {
        case .dns(let name): name
        case .uri(let uri): uri
        }
    }

    /// Whether a name in a certificate, as it stands there, covers this name.
    package func isCovered(byDNS presented: String) -> Bool {
        guard case .dns(let wanted) = self else { return false }
        let presented = presented.lowercased()
        guard presented.hasPrefix("*.") else { return presented == wanted }
        // The star stands for exactly one label (RFC 9525, 6.3), and never for all names right under a top-level domain.
        let suffix = presented.dropFirst()
        guard suffix.dropFirst().contains("."), !suffix.contains("*"), let dot = wanted.firstIndex(of: ".") else {
            return false
        }
        return dot > wanted.startIndex && wanted[dot...] == suffix
    }

    /// Whether a URI in a certificate, as it stands there, is this one; a DNS name is covered by none.
    package func isCovered(byURI presented: String) -> Bool {
        guard case .uri(let wanted) = self else { return false }
        return Self.normalized(wanted) == Self.normalized(presented)
    }

    /// Scheme and authority compare without case, the rest to the byte (RFC 3986, 6.2.2.1).
    private static func normalized(_ uri: String) -> String {
        guard let authority = uri.firstRange(of: "://")?.upperBound else { return uri }
        let end = uri[authority...].firstIndex { "/?#".contains($0) } ?? uri.endIndex
        return uri[..<end].lowercased() + uri[end...]
    }

    /// Names end in a label that isn't a number; what does is read as an IPv4 address by some resolver or other.
    private static func looksLikeAddress(_ name: String) -> Bool {
        let last = name.split(separator: ".").last ?? ""
        return last.utf8.allSatisfy { (0x30...0x39).contains($0) } || last.hasPrefix("0x")
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count)
            && label.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (0x30...0x39).contains(byte) || "+-.".utf8.contains(byte)
    }
}
