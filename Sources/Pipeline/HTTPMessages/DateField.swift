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
            text = HTTPDate.text(now)
        }
        return text
    }
}

@available(*, unavailable)
extension DateField: Sendable {}
