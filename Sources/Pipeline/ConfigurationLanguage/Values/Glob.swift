import HTTPMessages

/// A pattern for whole texts: `*` stands for any number of characters, `?` for one, anything else for itself.
///
/// Bytes are compared, ASCII letters without case where that is wanted. Matching takes at most pattern times text steps.
public struct Glob: Sendable, Hashable, ScalarConfigurationValue {
    /// As it is written.
    package let pattern: String

    /// A pattern in code; one that a file couldn't have is an error when the plan is made.
    public init(_ pattern: String) { self.pattern = pattern }

    public static var typeDescription: String { "a pattern such as *.example.com" }

    public init(configured text: String) throws(InvalidValue) {
        guard !text.isEmpty, text.utf8.count <= 512 else { throw InvalidValue("it has between 1 and 512 bytes") }
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { throw InvalidValue("it has a control character") }
        pattern = text
    }

    public var printed: String { pattern.printed }

    public func problems() -> [ConfigurationProblem] { Self.problems(of: pattern) }

    /// Whether a whole text is as the pattern says.
    ///
    /// - Parameter ignoringCase: ASCII letters count alike in either case.
    public func matches(_ text: String, ignoringCase: Bool = false) -> Bool {
        var pattern = pattern
        var text = text
        return pattern.withUTF8 { pattern in
            text.withUTF8 { text in Self.matches(pattern, text, ignoringCase) }
        }
    }

    /// The same for a part of a text, without allocating.
    public func matches(_ text: Substring, ignoringCase: Bool = false) -> Bool {
        var pattern = pattern
        var text = text
        return pattern.withUTF8 { pattern in
            text.withUTF8 { text in Self.matches(pattern, text, ignoringCase) }
        }
    }

    /// Whether everything that another pattern stands for is as this one says, as far as that is plain: what it denies may still be so.
    public func covers(_ other: Glob, ignoringCase: Bool = false) -> Bool {
        if pattern == other.pattern { return true }
        // A star of the other's can be any text, which only a star has room for.
        guard !pattern.contains("?") || !other.pattern.contains("*") else { return false }
        return matches(other.pattern, ignoringCase: ignoringCase)
    }

    /// Goes back to the last star only: what an earlier one took never needs to be taken differently.
    private static func matches(
        _ pattern: UnsafeBufferPointer<UInt8>, _ text: UnsafeBufferPointer<UInt8>, _ ignoringCase: Bool
    ) -> Bool {
        var place = 0
        var index = 0
        var star: (place: Int, index: Int)?
        while index < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, index)
                place += 1
            } else if place < pattern.count, equal(pattern[place], text[index], ignoringCase) {
                place += 1
                index += 1
            } else if let last = star {
                star = (last.place, last.index + 1)
                place = last.place + 1
                index = last.index + 1
            } else {
                return false
            }
        }
        while place < pattern.count, pattern[place] == UInt8(ascii: "*") { place += 1 }
        return place == pattern.count
    }

    @inline(__always)
    private static func equal(_ pattern: UInt8, _ byte: UInt8, _ ignoringCase: Bool) -> Bool {
        pattern == UInt8(ascii: "?") || pattern == byte
            || ignoringCase && HTTPGrammar.lowercased(pattern) == HTTPGrammar.lowercased(byte)
    }
}

extension Glob: ExpressibleByStringLiteral {
    public init(stringLiteral pattern: String) { self.init(pattern) }
}
