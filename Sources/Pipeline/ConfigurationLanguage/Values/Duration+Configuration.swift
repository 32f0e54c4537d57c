extension Duration: ScalarConfigurationValue {
    public static var typeDescription: String { "a duration such as 30s" }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
    ]

    public init(configured text: String) throws(InvalidValue) {
        if text == "0" {
            self = .zero
            return
        }
        guard let parts = NumberWithUnit(text) else { throw InvalidValue() }
        if parts.unit.isEmpty {
            throw InvalidValue("the unit is missing", hint: "add a unit: \(text)ms, \(text)s, \(text)m or \(text)h")
        }
        guard let unit = Self.units.first(where: { $0.name == parts.unit }) else {
            throw InvalidValue("there is no unit '\(parts.unit)'", hint: "the units are ms, s, m, h and d")
        }
        guard let nanoseconds = parts.times(unit.nanoseconds) else { throw InvalidValue("the duration is too long") }
        self = .nanoseconds(nanoseconds)
    }

    public var printed: String {
        let (seconds, attoseconds) = components
        guard attoseconds == 0 else {
            let milliseconds = Double(seconds) * 1000 + Double(attoseconds) / 1e15
            return "\(milliseconds.printed)ms"
        }
        switch seconds {
        case 0: return "0"
        case let s where s % 86_400 == 0: return "\(s / 86_400)d"
        case let s where s % 3_600 == 0: return "\(s / 3_600)h"
        case let s where s % 60 == 0: return "\(s / 60)m"
        default: return "\(seconds)s"
        }
    }
}

/// `64KiB` taken apart: a number without a sign, at most one decimal point, and what follows it.
struct NumberWithUnit {
    var whole: Int64
    /// The digits after the point, as a fraction of `scale`.
    var fraction: Int64
    var scale: Int64
    var unit: String

    init?(_ text: String) {
        let digits = text.utf8.prefix { $0.isDigit }
        guard let whole = Int64(String(Substring(digits))) else { return nil }
        self.whole = whole
        var rest = text.utf8[digits.endIndex...]
        fraction = 0
        scale = 1
        if rest.first == UInt8(ascii: ".") {
            let decimals = rest.dropFirst().prefix { $0.isDigit }
            guard (1...3).contains(decimals.count), let value = Int64(String(Substring(decimals))) else { return nil }
            fraction = value
            for _ in decimals { scale *= 10 }
            rest = rest[decimals.endIndex...]
        }
        if rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
        unit = String(Substring(rest))
        guard unit.utf8.count <= 8 else { return nil }
    }

    /// The number times a unit; nil when that is too large.
    func times(_ unit: Int64) -> Int64? {
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
        let (part, partOverflow) = fraction.multipliedReportingOverflow(by: unit)
        let (sum, sumOverflow) = product.addingReportingOverflow(part / scale)
        return overflow || partOverflow || sumOverflow ? nil : sum
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
