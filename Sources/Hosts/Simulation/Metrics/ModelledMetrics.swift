/// CloudWatch as far as a service's reports need it: what was put shows after a delay, or never. A value.
struct ModelledMetrics: Sendable {
    /// The names of the metrics that are kept, in the order of `Report.values`.
    private static let kept = 10_800.0

    /// One metric's value at a time.
    struct Datum: Sendable, Equatable {
        var name: String
        var value: Double
        /// The time that the reporter gave it, in seconds of the Unix epoch.
        var time: Double
    }

    private struct Stored: Sendable {
        var data: [Datum]
        var visible: Moment
    }

    private var stored: [Stored] = []
    private(set) var count = 0

    /// Takes a report, which can be read from a time on.
    mutating func put(_ data: [Datum], visible: Moment, _ now: Moment) {
        count += 1
        stored.append(Stored(data: data, visible: visible))
        let forgotten = now + -Self.kept
        guard stored.count > 512, stored.first.map({ $0.visible < forgotten }) ?? false else { return }
        stored.removeAll { $0.visible < forgotten }
    }

    /// The maximum of each period that begins within the times, the oldest first.
    func maxima(_ name: String, from start: Int, to end: Int, period: Int, _ now: Moment) -> [(time: Int, value: Double)] {
        var maxima: [Int: Double] = [:]
        let (first, last) = (Double(start), Double(end))
        // The newest are at the end: what is older than is asked for is left alone. Clocks may be off by some minutes.
        for report in stored.reversed() {
            if report.visible.seconds < first - 3_600 { break }
            guard report.visible <= now else { continue }
            for datum in report.data where datum.time >= first && datum.time < last && datum.name == name {
                let begin = Int(datum.time) / period * period
                maxima[begin] = Swift.max(maxima[begin] ?? datum.value, datum.value)
            }
        }
        return maxima.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
