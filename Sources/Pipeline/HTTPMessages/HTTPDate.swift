import Platform

/// Dates in fields (RFC 9110, 5.6.7).
package enum HTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Seconds of the Unix epoch of `Sun, 06 Nov 1994 08:49:37 GMT`. Nil for anything else.
    package static func parse(_ text: String) -> Int? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]),
            let month = months.firstIndex(where: { $0 == parts[2] })
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3 else { return nil }
        return CivilTime.epoch(year, month + 1, day, clock[0], clock[1], clock[2])
    }

    /// Seconds of the Unix epoch, in years of four digits, as `Mon, 09 Mar 2026 17:04:05 GMT`.
    package static func text(_ epochSeconds: Int) -> String {
        let civil = CivilTime(epochSeconds)
        let two = CivilTime.two
        return "\(days[civil.weekday]), \(two(civil.day)) \(months[civil.month - 1]) \(civil.year) "
            + "\(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) GMT"
    }
}
