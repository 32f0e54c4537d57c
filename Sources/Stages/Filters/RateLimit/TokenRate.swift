public import ConfigurationLanguage

/// Tokens in a time, and the same as time: what tokens cost is the time in which they come back. Nanoseconds throughout.
struct TokenRate: Sendable, Equatable {
    let tokens: Int64
    let period: Int64

    init(_ tokens: Int, in period: Duration) {
        self.tokens = Int64(max(1, tokens))
        let (seconds, attoseconds) = period.components
        self.period = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// The time in which that many tokens come back, rounded up, so that rounding never gives more than the rate.
    func cost(of count: Int) -> Int64 {
        let (high, low) = Int64(max(0, count)).multipliedFullWidth(by: period)
        guard high < tokens else { return .max / 4 }
        let (quotient, remainder) = tokens.dividingFullWidth((high, low))
        return min(quotient + (remainder > 0 ? 1 : 0), .max / 4)
    }
}

/// Bytes in a time: `10MiB/s`.
public struct ByteRate: Sendable, Hashable, Comparable, ScalarConfigurationValue {
    /// How many bytes pass in one period.
    public var bytes: ByteCount
    /// The time in which they pass.
    public var period: Rate.Period

    public static func < (left: ByteRate, right: ByteRate) -> Bool { left.perSecond < right.perSecond }

    public static var typeDescription: String { "bytes in a time such as 10MiB/s" }

    public static var shape: ValueShape {
        .text(pattern: #"^[0-9]+(\.[0-9]{1,3})? ?([KMGT]iB|kB|[MGT]B|B)?/[smhd]$"#)
    }

    /// A rate of so many bytes in each period.
    public init(_ bytes: ByteCount, per period: Rate.Period) {
        self.bytes = bytes
        self.period = period
    }

    public init(configured text: String) throws(InvalidValue) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else {
            throw InvalidValue(parts.count == 1 ? "the period is missing" : nil, hint: "add a period: \(parts[0])/s")
        }
        guard let period = Rate.Period(rawValue: String(parts[1])) else {
            throw InvalidValue("there is no period '\(parts[1].prefix(20))'", hint: "the periods are s, m, h and d")
        }
        self.init(try ByteCount(configured: String(parts[0])), per: period)
    }

    public var printed: String { "\(bytes.printed)/\(period.rawValue)" }

    var perSecond: Double { Double(bytes.bytes) / Double(period.duration.components.seconds) }
    var tokenRate: TokenRate { TokenRate(bytes.bytes, in: period.duration) }
}
