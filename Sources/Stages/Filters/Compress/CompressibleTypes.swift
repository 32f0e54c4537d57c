import HTTPMessages

/// Which bodies are worth deflating, by what their heads say.
struct CompressibleTypes: Sendable {
    /// `text/*`, `application/*+json`: at most one star on each side of the slash, for any text.
    private let patterns: [(prefix: [UInt8], suffix: [UInt8])]
    private let minimum: Int64

    static let standard = [
        "text/*", "application/json", "application/*+json", "application/x-ndjson", "application/javascript",
        "application/x-javascript", "application/xml", "application/*+xml", "application/wasm", "application/graphql",
        "application/x-www-form-urlencoded", "image/svg+xml", "image/bmp", "image/x-icon", "font/ttf", "font/otf",
        "application/vnd.ms-fontobject", "application/yaml", "application/sql",
    ]

    init(_ patterns: [String], minimum: Int) {
        self.patterns = patterns.map { pattern in
            let parts = pattern.lowercased().utf8.split(
                separator: UInt8(ascii: "*"), maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? (Array(parts[0]), Array(parts[1])) : (Array(parts[0]) + [0], [])
        }
        self.minimum = Int64(minimum)
    }

    /// Whether a pattern has the form that patterns have.
    static func isPattern(_ text: String) -> Bool {
        let sides = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return sides.count == 2 && text.utf8.count { $0 == UInt8(ascii: "*") } <= 1
            && sides.allSatisfy { side in
                !side.isEmpty && side.allSatisfy { HTTPGrammar.isTokenByte($0) }
            }
    }

    /// Whether a body of this length, with these fields, may gain: its type is compressible, it is large enough or of unknown
    /// size, it isn't encoded already and nobody has asked for it not to be changed.
    func mayGain(_ length: BodyLength, _ fields: HeaderFields) -> Bool {
        switch length {
        case .none, .deflated: return false
        case .known(let count) where count < minimum: return false
        case .known, .unknown: break
        }
        var isCompressible = false
        var isExcluded = false
        fields.forEach { name, value in
            switch name.count {
            case 12 where HTTPGrammar.equal(name, "content-type" as StaticString):
                isCompressible = matches(value)
            case 13 where HTTPGrammar.equal(name, "cache-control" as StaticString):
                HTTPGrammar.forEachListElement(value) {
                    if HTTPGrammar.equal($0, "no-transform" as StaticString) { isExcluded = true }
                }
            case 16 where HTTPGrammar.equal(name, "content-encoding" as StaticString):
                if !HTTPGrammar.equal(HTTPGrammar.trim(value), "identity" as StaticString) { isExcluded = true }
            default:
                break
            }
        }
        return isCompressible && !isExcluded
    }

    private func matches(_ value: UnsafeRawBufferPointer) -> Bool {
        let end = value.firstIndex { $0 == UInt8(ascii: ";") } ?? value.endIndex
        let type = HTTPGrammar.trim(UnsafeRawBufferPointer(rebasing: value[..<end]))
        return patterns.contains { pattern in
            if pattern.prefix.last == 0 { return equal(type, pattern.prefix.dropLast()) }
            return type.count >= pattern.prefix.count + pattern.suffix.count
                && equal(UnsafeRawBufferPointer(rebasing: type.prefix(pattern.prefix.count)), pattern.prefix[...])
                && equal(UnsafeRawBufferPointer(rebasing: type.suffix(pattern.suffix.count)), pattern.suffix[...])
        }
    }

    private func equal(_ bytes: UnsafeRawBufferPointer, _ other: ArraySlice<UInt8>) -> Bool {
        bytes.count == other.count && zip(bytes, other).allSatisfy { HTTPGrammar.lowercased($0) == $1 }
    }
}
