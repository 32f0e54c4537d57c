/// Where an exchange belongs in a trace: the field `traceparent` of W3C Trace Context (Level 1, 3.2). It travels with the request like any
/// field; here it is only read.
public struct TraceContext: Sendable, Hashable {
    /// The trace, 128 bits that aren't all zero: the upper half, then the lower.
    public var trace: (high: UInt64, low: UInt64)
    /// The span of whoever sent the request, not zero.
    public var parent: UInt64
    /// Whether whoever sent it records the trace.
    public var isSampled: Bool

    /// A context of these parts.
    public init(trace: (high: UInt64, low: UInt64), parent: UInt64, isSampled: Bool) {
        self.trace = trace
        self.parent = parent
        self.isSampled = isSampled
    }

    /// A context from the field's value; nil for one that is malformed, and so stands for none. Of a later version than 00 the parts that are
    /// known count.
    public init?(_ value: UnsafeRawBufferPointer) {
        // 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
        guard value.count >= 55, let version = Self.number(value[0..<2]), version != 0xFF,
            version == 0 ? value.count == 55 : value.count == 55 || value[55] == UInt8(ascii: "-"),
            [2, 35, 52].allSatisfy({ value[$0] == UInt8(ascii: "-") }),
            let high = Self.number(value[3..<19]), let low = Self.number(value[19..<35]), high | low != 0,
            let parent = Self.number(value[36..<52]), parent != 0, let flags = Self.number(value[53..<55])
        else { return nil }
        self.init(trace: (high, low), parent: parent, isSampled: flags & 1 != 0)
    }

    /// The context that a request's fields say; nil where there is none, more than one, or one that is malformed.
    public init?(in fields: HeaderFields) {
        var found: TraceContext?
        var count = 0
        fields.forEach { name, value in
            guard name.count == Self.field.utf8CodeUnitCount, HTTPGrammar.equal(name, Self.field) else { return }
            count += 1
            found = TraceContext(value)
        }
        guard count == 1, let found else { return nil }
        self = found
    }

    /// The trace's id, 32 hexadecimal digits.
    public var traceID: String { Self.digits(trace.high) + Self.digits(trace.low) }

    /// The value of the field for a request of this context, in version 00.
    public var value: String { "00-\(traceID)-\(Self.digits(parent))-\(isSampled ? "01" : "00")" }

    /// The field's name.
    package static let field: StaticString = "traceparent"

    public static func == (one: TraceContext, other: TraceContext) -> Bool {
        one.trace == other.trace && one.parent == other.parent && one.isSampled == other.isSampled
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(trace.high)
        hasher.combine(trace.low)
        hasher.combine(parent)
        hasher.combine(isSampled)
    }

    private static func digits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Digits in small letters alone, sixteen at most.
    private static func number(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt64? {
        var number: UInt64 = 0
        for byte in bytes {
            switch byte {
            case 0x30...0x39: number = number << 4 | UInt64(byte - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(byte - 0x57)
            default: return nil
            }
        }
        return number
    }
}
