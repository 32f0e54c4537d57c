/// How long the service's last starts took. Kept in a tag of the service, because functions forget and tasks are forgotten:
/// the last task's short name, then seconds, the newest first.
package struct StartTimes: Sendable, Equatable {
    private static let kept = 8

    /// The short name of the task whose start was learned last; nil if none was.
    package private(set) var lastTask: String?
    /// How long the last starts took, in whole seconds, the newest first, eight at most.
    package private(set) var seconds: [Int] = []

    /// Reads the tag's value; what isn't a number of seconds up to an hour is left out.
    package init(_ tag: String? = nil) {
        let parts = (tag ?? "").split(separator: " ")
        lastTask = parts.first.map(String.init)
        seconds = parts.dropFirst().prefix(Self.kept).compactMap { Int($0) }.filter { (1...3_600).contains($0) }
    }

    /// What the tag is to be, or nil when the task was known.
    package mutating func learn(task arn: String, took seconds: Double) -> String? {
        let name = ServiceTags.shortName(arn)
        let isName = name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x2D
        }
        guard !name.isEmpty, isName, name != lastTask, seconds.isFinite, (0...3_600).contains(seconds) else { return nil }
        lastTask = name
        self.seconds.insert(max(1, Int(seconds.rounded(.up))), at: 0)
        self.seconds = Array(self.seconds.prefix(Self.kept))
        return ([name] + self.seconds.map(String.init)).joined(separator: " ")
    }

    /// In how many seconds it is worth asking again whether a start that began then is over, in seconds of the Unix epoch. As soon as the
    /// shortest start that was seen would be, and from then on every two seconds; every five where none was seen.
    package func retryAfter(begun: Double?, now: Double) -> Int {
        guard let least = seconds.min() else { return 5 }
        let elapsed = begun.map { max(0, now - $0) } ?? 0
        return Int(min(max((Double(least) - elapsed).rounded(.up), 2), 30))
    }

    /// How long a start takes, as text: `60-90 seconds` until starts were seen; then from the shortest to the longest, in fives.
    package var estimate: String {
        guard let least = seconds.min(), let most = seconds.max() else { return "60-90 seconds" }
        let low = max(1, least / 5 * 5)
        let high = (most + 4) / 5 * 5
        return low == high ? "\(high)-\(high + 5) seconds" : "\(low)-\(high) seconds"
    }
}
