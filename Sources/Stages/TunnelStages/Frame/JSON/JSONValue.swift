package import NIOCore

/// One JSON value (RFC 8259). Texts stay slices of what was read as long as nothing in them is escaped.
package indirect enum JSONValue: Sendable, Equatable {
    /// The literal `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, rounded to a Double where it isn't one.
    case number(Double)
    /// A text as UTF-8, its escapes resolved.
    case string(ByteBuffer)
    /// An array's values, in order.
    case array([JSONValue])
    /// An object's members in the order in which they came, equal names included.
    case object([Member])

    /// A name and a value of an object.
    package struct Member: Sendable, Equatable {
        /// The member's name, its escapes resolved.
        package var name: String
        /// The member's value.
        package var value: JSONValue

        /// A member of an object.
        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Reads exactly one value with nothing but white space around it.
    package init(parsing bytes: ByteBuffer) throws(JSONProblem) {
        var parser = JSONParser(bytes)
        self = try parser.value(depth: 0)
        guard parser.isAtEnd else { throw .malformed }
    }

    /// The member of that name; of several the last one, as most readers take it.
    package subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The bytes of a text; nil for a value of another type.
    package var bytes: ByteBuffer? {
        if case .string(let bytes) = self { bytes } else { nil }
    }

    /// A text; nil for a value of another type, and for bytes that aren't UTF-8.
    package var text: String? { bytes.flatMap { String(validating: $0.readableBytesView, as: UTF8.self) } }

    /// A whole number; nil for a value of another type, and for a number that no Int is equal to.
    package var int: Int? {
        guard case .number(let number) = self else { return nil }
        return Int(exactly: number)
    }

    /// A truth value; nil for a value of another type.
    package var bool: Bool? {
        if case .bool(let bool) = self { bool } else { nil }
    }
}

private struct JSONParser {
    private static let depthLimit = 16
    private var rest: ByteBuffer

    init(_ bytes: ByteBuffer) {
        rest = bytes
    }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return rest.readableBytes == 0
        }
    }

    mutating func value(depth: Int) throws(JSONProblem) -> JSONValue {
        guard depth < Self.depthLimit else { throw .malformed }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return .object(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try elements(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private var peek: UInt8? { rest.readableBytesView.first }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { rest.moveReaderIndex(forwardBy: 1) }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard peek == byte else { return false }
        rest.moveReaderIndex(forwardBy: 1)
        return true
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONProblem) -> JSONValue {
        guard let slice = rest.readSlice(length: word.utf8CodeUnitCount), slice == ByteBuffer(staticString: word) else {
            throw .malformed
        }
        return value
    }

    private mutating func members(depth: Int) throws(JSONProblem) -> [JSONValue.Member] {
        _ = take(UInt8(ascii: "{"))
        var members: [JSONValue.Member] = []
        if take(UInt8(ascii: "}")) { return members }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\""),
                let name = String(validating: try string().readableBytesView, as: UTF8.self), take(UInt8(ascii: ":"))
            else { throw .malformed }
            members.append(JSONValue.Member(name: name, value: try value(depth: depth + 1)))
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw .malformed }
        return members
    }

    private mutating func elements(depth: Int) throws(JSONProblem) -> [JSONValue] {
        _ = take(UInt8(ascii: "["))
        var elements: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return elements }
        repeat { elements.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw .malformed }
        return elements
    }

    private mutating func number() throws(JSONProblem) -> Double {
        let allowed = "+-0123456789.eE".utf8
        let digits = rest.readableBytesView.prefix(64).prefix { allowed.contains($0) }
        guard let first = digits.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
            let number = Double(String(decoding: digits, as: UTF8.self)), number.isFinite
        else { throw .malformed }
        rest.moveReaderIndex(forwardBy: digits.count)
        return number
    }

    // MARK: - Texts

    private mutating func string() throws(JSONProblem) -> ByteBuffer {
        rest.moveReaderIndex(forwardBy: 1)
        let view = rest.readableBytesView
        guard let stop = view.firstIndex(where: { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") || $0 < 0x20 }) else {
            throw .malformed
        }
        let plain = rest.readSlice(length: stop - view.startIndex) ?? ByteBuffer()
        guard peek != UInt8(ascii: "\"") else {
            rest.moveReaderIndex(forwardBy: 1)
            return plain
        }
        return try escaped(after: plain)
    }

    private mutating func escaped(after plain: ByteBuffer) throws(JSONProblem) -> ByteBuffer {
        var text = ByteBuffer()
        text.writeImmutableBuffer(plain)
        while let byte = rest.readInteger(as: UInt8.self) {
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"): text.writeString(String(try escape()))
            case ..<0x20: throw .malformed
            default: text.writeInteger(byte)
            }
        }
        throw .malformed
    }

    private mutating func escape() throws(JSONProblem) -> Unicode.Scalar {
        switch rest.readInteger(as: UInt8.self) {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw .malformed
        }
        let unit = try hexadecimal()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // A pair of surrogates; one alone is no character, and shown as that.
        guard unit < 0xDC00, rest.getString(at: rest.readerIndex, length: 2) == "\\u" else { return "\u{FFFD}" }
        rest.moveReaderIndex(forwardBy: 2)
        let low = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(low) else { return "\u{FFFD}" }
        return Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + (UInt32(low) - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func hexadecimal() throws(JSONProblem) -> UInt16 {
        guard let digits = rest.readString(length: 4),
            digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let unit = UInt16(digits, radix: 16)
        else { throw .malformed }
        return unit
    }
}

extension ByteBuffer {
    /// Writes a text as a JSON string. What isn't UTF-8 becomes U+FFFD.
    package mutating func writeJSONString(_ text: String) {
        var text = text
        writeInteger(UInt8(ascii: "\""))
        text.withUTF8 { bytes in
            var plain = 0
            for (index, byte) in bytes.enumerated() where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                writeBytes(bytes[plain..<index])
                plain = index + 1
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): writeMultipleIntegers(UInt8(ascii: "\\"), byte)
                default:
                    let digits = String(byte, radix: 16)
                    writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
                }
            }
            writeBytes(bytes[plain...])
        }
        writeInteger(UInt8(ascii: "\""))
    }
}
