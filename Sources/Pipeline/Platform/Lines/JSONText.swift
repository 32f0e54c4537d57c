/// Writes JSON (RFC 8259) as bytes, for logs and reports: every text is made harmless, whoever wrote it.
package struct JSONText: Sendable {
    /// What was written so far, as UTF-8.
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Nothing written, with room for `capacity` bytes.
    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// What was written so far, as a string.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// An object, with what `body` writes between its braces.
    package mutating func object(_ body: (inout JSONText) -> Void) { nest(0x7B, 0x7D, body) }
    /// An array, with the values that `body` writes between its brackets.
    package mutating func array(_ body: (inout JSONText) -> Void) { nest(0x5B, 0x5D, body) }

    /// A member's name; its value follows.
    package mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(0x3A)
        needsComma = false
    }

    /// A string, in quotes and escaped.
    package mutating func value(_ text: String) {
        separate()
        quote(text)
        needsComma = true
    }

    /// A whole number.
    package mutating func value(_ number: Int64) { literal("\(number)") }
    /// `true` or `false`.
    package mutating func value(_ flag: Bool) { literal(flag ? "true" : "false") }
    /// The value `null`.
    package mutating func null() { literal("null") }

    /// A number; what JSON has no number for is null.
    package mutating func value(_ number: Double) {
        guard number.isFinite else { return null() }
        literal(number == number.rounded() && abs(number) < 9_007_199_254_740_992 ? "\(Int64(number))" : "\(number)")
    }

    /// A member of an object whose value is a string.
    package mutating func member(_ name: String, _ text: String) {
        key(name)
        value(text)
    }

    /// A member of an object whose value is a whole number.
    package mutating func member(_ name: String, _ number: Int64) {
        key(name)
        value(number)
    }

    /// Ends a line: for files of one document on each.
    package mutating func newline() { bytes.append(0x0A) }

    /// Goes on behind other bytes, or gives them back.
    mutating func exchange(_ other: inout [UInt8]) { swap(&bytes, &other) }

    private mutating func literal(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func nest(_ open: UInt8, _ close: UInt8, _ body: (inout JSONText) -> Void) {
        separate()
        bytes.append(open)
        needsComma = false
        body(&self)
        bytes.append(close)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(0x2C) }
        needsComma = false
    }

    private mutating func quote(_ text: String) {
        bytes.append(0x22)
        var text = text
        text.withUTF8 { source in
            // Nearly always nothing is to be changed.
            if source.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C && $0 != 0x7F }) {
                return bytes.append(contentsOf: source)
            }
            for byte in source {
                switch byte {
                case 0x22, 0x5C:
                    bytes.append(0x5C)
                    bytes.append(byte)
                case 0..<0x20, 0x7F:
                    bytes.append(contentsOf: "\\u00".utf8)
                    bytes.append(Self.digit(byte >> 4))
                    bytes.append(Self.digit(byte & 15))
                default:
                    bytes.append(byte)
                }
            }
        }
        bytes.append(0x22)
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
