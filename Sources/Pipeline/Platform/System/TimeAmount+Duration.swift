import NIOCore

extension TimeAmount {
    /// A configuration's duration, to the nanosecond; those beyond 292 years are cut there.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self = overflow ? .nanoseconds(.max) : .nanoseconds(product &+ attoseconds / 1_000_000_000)
    }
}
