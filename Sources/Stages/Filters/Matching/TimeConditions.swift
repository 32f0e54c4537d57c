public import ConfigurationLanguage
import Platform

/// A part of the day, `08:00-18:30`; one that ends before it begins goes over midnight.
public struct DayTime: Sendable, Equatable, ScalarConfigurationValue {
    /// Minutes since midnight, the first that belongs to it and the first that doesn't.
    let begin: Int
    let end: Int
    private let text: String

    public static var typeDescription: String { "a part of the day such as 08:00-18:30" }
    public static var shape: ValueShape { .text(pattern: "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$") }

    public init(configured text: String) throws(InvalidValue) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let minutes = parts.compactMap(Self.minutes)
        guard parts.count == 2, minutes.count == 2 else { throw InvalidValue() }
        guard minutes[0] < 1_440 else { throw InvalidValue("the day has no minute that begins at 24:00") }
        guard minutes[0] != minutes[1] else { throw InvalidValue("it ends as it begins", hint: "the whole day is 00:00-24:00") }
        (begin, end) = (minutes[0], minutes[1])
        self.text = text
    }

    public var printed: String { text.printed }

    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour < 24 || hour == 24 && minute == 0
        else { return nil }
        return hour * 60 + minute
    }

    func contains(_ minute: Int) -> Bool {
        begin < end ? minute >= begin && minute < end : minute >= begin || minute < end
    }
}

/// A day of the week.
public enum Weekday: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Sunday, and so on.
    case sunday, monday, tuesday, wednesday, thursday, friday, saturday

    public init(configured text: String) throws(InvalidValue) {
        if let day = Self(rawValue: text) {
            self = day
            return
        }
        let isRange = text.contains("-") && text.split(separator: "-").allSatisfy { Self(rawValue: String($0)) != nil }
        throw InvalidValue(
            hint: isRange
                ? "write each day: [monday, tuesday, wednesday]" : NearestName.hint(for: text, among: Self.allCases.map(\.rawValue))
        )
    }

    /// From 0, which is Sunday.
    var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
