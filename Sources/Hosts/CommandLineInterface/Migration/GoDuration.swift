/// Durations as the first Fluidity reads them: seconds as a number, or Go's form such as `1m30s`.
package enum GoDuration {
    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12),
    ]

    /// The duration to the millisecond; nil for a text that is none, that is negative, or that has more than a year.
    package static func read(_ text: String) -> Duration? {
        var rest = Substring(text)
        var nanoseconds = 0.0
        if let seconds = plainNumber(text) {
            nanoseconds = seconds * 1e9
        } else {
            guard !rest.isEmpty else { return nil }
            while !rest.isEmpty {
                let digits = rest.prefix { ("0"..."9").contains($0) || $0 == "." }
                guard let number = plainNumber(String(digits)) else { return nil }
                rest = rest[digits.endIndex...]
                let name = rest.prefix { !("0"..."9").contains($0) && $0 != "." }
                guard let unit = units.first(where: { $0.name == name }) else { return nil }
                rest = rest[name.endIndex...]
                nanoseconds += number * unit.nanoseconds
            }
        }
        guard nanoseconds <= 365 * 24 * 3.6e12 else { return nil }
        return .milliseconds(Int64((nanoseconds / 1e6).rounded()))
    }

    private static func plainNumber(_ text: String) -> Double? {
        guard !text.isEmpty, text.allSatisfy({ ("0"..."9").contains($0) || $0 == "." }) else { return nil }
        return Double(text)
    }
}
