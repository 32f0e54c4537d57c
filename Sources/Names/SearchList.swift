/// The names that stand for what was asked for (resolv.conf(5): `search`, `ndots`).
struct SearchList: Sendable, Equatable {
    var domains: [String] = []
    /// With so many dots a name is tried as it is first.
    var dots = 1

    /// A name of at most so many bytes can be asked for (RFC 1035, 2.3.4), without the dot at its end.
    static let longestName = 253

    /// What is asked for, in order, without a dot at its end.
    func candidates(for name: String) -> [String] {
        // The dot at its end says that it is complete.
        if name.hasSuffix(".") { return [String(name.dropLast())].filter(Self.fits) }
        let searched = domains.map { $0 == "." || $0.isEmpty ? name : "\(name).\($0)" }
        let isFirst = name.utf8.count { $0 == UInt8(ascii: ".") } >= dots
        var seen: Set<String> = []
        return (isFirst ? [name] + searched : searched + [name])
            .map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
            .filter { Self.fits($0) && seen.insert($0.lowercased()).inserted }
    }

    private static func fits(_ name: String) -> Bool { name.utf8.count <= longestName }
}

/// What a name is, as far as that can be told without asking anybody.
enum NameKind: Equatable {
    case ordinary
    /// This machine (RFC 6761, 6.3): no name server is asked.
    case localhost
    /// Never exists as a name of the DNS (RFC 6761, 6.4; RFC 7686).
    case nonexistent
    /// Can't be asked for.
    case malformed

    init(_ name: String) {
        let name = name.hasSuffix(".") ? name.dropLast() : name[...]
        let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard !name.isEmpty, name.utf8.count <= SearchList.longestName,
            labels.allSatisfy({ (1...63).contains($0.count) && $0.allSatisfy(Self.isPlain) })
        else {
            self = .malformed
            return
        }
        switch labels.last.map({ String(Substring($0)).lowercased() }) {
        case "localhost": self = .localhost
        case "invalid", "onion": self = .nonexistent
        default: self = .ordinary
        }
    }

    /// Bytes that mean themselves in a name's text. A backslash would begin the number of another.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\")
    }
}
