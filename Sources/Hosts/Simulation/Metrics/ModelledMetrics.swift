/// CloudWatch as far as a service's reports need it: what was put shows after a delay, or never. A value.
struct ModelledMetrics: Sendable {
    /// How long values are kept, in seconds.
    private static let kept = 10_800.0

    /// One metric's value at a time.
    struct Datum: Sendable, Equatable {
        var name: String
        var value: Double
        /// The time that the reporter gave it, in seconds of the Unix epoch.
        var time: Double
    }

    private struct Stored: Sendable {
        var value: Double
        var time: Double
        var visible: Moment
    }

    /// The values of each metric, in the order in which they were put.
    private var stored: [String: [Stored]] = [:]
    private var count = 0

    /// Takes a report, which can be read from a time on.
    mutating func put(_ data: [Datum], visible: Moment, _ now: Moment) {
        count += 1
        for datum in data {
            stored[datum.name, default: []].append(Stored(value: datum.value, time: datum.time, visible: visible))
        }
        guard count % 512 == 0 else { return }
        let forgotten = now + -Self.kept
        for name in stored.keys { stored[name]?.removeAll { $0.visible < forgotten } }
    }

    /// The maximum of each period that begins within the times, the oldest first.
    func maxima(_ name: String, from start: Int, to end: Int, period: Int, _ now: Moment) -> [(time: Int, value: Double)] {
        // The newest first, as the values are gone through: those of one period mostly follow each other.
        var maxima: [(time: Int, value: Double)] = []
        let (first, last) = (Double(start), Double(end))
        // The newest are at the end: what is older than is asked for is left alone. Clocks may be off by some minutes.
        let oldest = Moment(seconds: first - 3_600).milliseconds
        for datum in (stored[name] ?? []).reversed() {
            if datum.visible.milliseconds < oldest { break }
            guard datum.visible.milliseconds <= now.milliseconds, datum.time >= first, datum.time < last else { continue }
            let begin = Int(datum.time) / period * period
            var place = maxima.count
            while place > 0, maxima[place - 1].time < begin { place -= 1 }
            if place > 0, maxima[place - 1].time == begin {
                maxima[place - 1].value = Swift.max(maxima[place - 1].value, datum.value)
            } else {
                maxima.insert((begin, datum.value), at: place)
            }
        }
        return maxima.reversed()
    }
}
