import Platform

/// What `Date` says now (RFC 9110, 6.6.1). Made once a second; confined to its loop.
package final class DateField {
    private var second = -1
    private var text = ""

    /// Makes its first text when a response wants one.
    package init() {}

    /// The value for a response that has none. Nil for one that has, and for those that are no answers: informational ones, and those
    /// that open a tunnel.
    package func value(for head: ResponseHead, to request: RequestHead) -> String? {
        guard !head.isInformational, !head.opensTunnel(for: request) else { return nil }
        var hasDate = false
        head.fields.forEach { name, _ in
            if name.count == 4, HTTPGrammar.equal(name, "date" as StaticString) { hasDate = true }
        }
        guard !hasDate else { return nil }
        let now = WallTime.seconds
        if now != second {
            second = now
            text = Self.text(now)
        }
        return text
    }

    /// Seconds of the Unix epoch as `Mon, 09 Mar 2026 17:04:05 GMT` (RFC 9110, 5.6.7).
    package static func text(_ epochSeconds: Int) -> String {
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // `2026-03-09 17:04:05 UTC`, of years with four digits.
        let parts = Timestamp.utc(epochSeconds).split { $0 == "-" || $0 == " " }
        guard parts.count == 5, let month = Int(parts[1]), months.indices.contains(month - 1) else { return "" }
        let day = days[((epochSeconds / 86_400 + 4) % 7 + 7) % 7]
        return "\(day), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]) GMT"
    }
}

@available(*, unavailable)
extension DateField: Sendable {}
