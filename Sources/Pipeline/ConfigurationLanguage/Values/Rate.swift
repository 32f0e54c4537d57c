/// How often something may happen, written `200/s`, `10/m` or `1000/h`.
public struct Rate: Sendable, Hashable, Comparable, ScalarConfigurationValue {
    /// What a rate is per.
    public enum Period: String, Sendable, CaseIterable {
        /// Per second, written `/s`.
        case second = "s"
        /// Per minute, written `/m`.
        case minute = "m"
        /// Per hour, written `/h`.
        case hour = "h"
        /// Per day of 24 hours, written `/d`.
        case day = "d"

        /// The length of the period.
        public var duration: Duration {
            switch self {
            case .second: .seconds(1)
            case .minute: .seconds(60)
            case .hour: .seconds(3_600)
            case .day: .seconds(86_400)
            }
        }

        fileprivate var seconds: Double {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3_600
            case .day: 86_400
            }
        }
    }

    /// How often it may happen in one period; never negative where it was read from a file.
    public var count: Int
    /// What the count is per.
    public var period: Period

    /// So many in each period.
    public init(_ count: Int, per period: Period) {
        self.count = count
        self.period = period
    }

    /// The count of one second: rates of different periods compare by it.
    public var perSecond: Double { Double(count) / period.seconds }

    public static func < (left: Rate, right: Rate) -> Bool { left.perSecond < right.perSecond }

    public static var typeDescription: String { "a rate such as 200/s" }

    public init(configured text: String) throws(InvalidValue) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let count = try? Int(configured: String(first)), count >= 0 else { throw InvalidValue() }
        guard parts.count == 2 else {
            throw InvalidValue(
                parts.count == 1 ? "the period is missing" : nil, hint: "add a period: \(first)/s, \(first)/m or \(first)/h"
            )
        }
        guard let period = Period(rawValue: String(parts[1])) else {
            throw InvalidValue("there is no period '\(parts[1].prefix(20))'", hint: "the periods are s, m, h and d")
        }
        self.init(count, per: period)
    }

    public var printed: String { "\(count)/\(period.rawValue)" }
}
