/// One use of the server by somebody: a request, a transfer, a stream.
package struct Use: Sendable, Equatable {
    /// How a use moves bytes.
    package enum Kind: String, Sendable, CaseIterable {
        /// A short request.
        case request
        /// Bytes all the time, evenly.
        case transfer
        /// A little every half minute: an event stream.
        case events
        /// All at the beginning and nothing afterwards: a tunnel that somebody keeps open, or a slow answer.
        case silent
    }

    /// When somebody wants it, in seconds since the simulation began.
    package var start: Double
    /// Whose agent it comes to.
    package var agent: Int
    /// How it moves bytes.
    package var kind: Kind
    /// How long it takes once it has begun, in seconds.
    package var duration: Double
    /// The bytes of the whole of it, both ways.
    package var bytes: Int64

    /// A use of an agent's.
    package init(start: Double, agent: Int, kind: Kind, duration: Double, bytes: Int64) {
        self.start = start
        self.agent = agent
        self.kind = kind
        self.duration = duration
        self.bytes = bytes
    }

    private static let eventInterval = 30.0

    /// The bytes that have passed so many seconds after it began, and how long ago the last of them did.
    func moved(after elapsed: Double) -> (bytes: Int64, ago: Double) {
        let elapsed = max(0, elapsed)
        guard duration > 0, elapsed < duration else { return (bytes, max(0, elapsed - duration)) }
        switch kind {
        case .request, .transfer: return (Int64(Double(bytes) * elapsed / duration), 0)
        case .events:
            let all = max(1, (duration / Self.eventInterval).rounded(.up))
            let last = (elapsed / Self.eventInterval).rounded(.down)
            return (Int64(Double(bytes) * (last + 1) / (all + 1)), elapsed - last * Self.eventInterval)
        case .silent: return (bytes, elapsed)
        }
    }

    /// The longest time in which it moves nothing.
    package var longestSilence: Double {
        switch kind {
        case .request, .transfer: 0
        case .events: min(duration, Self.eventInterval)
        case .silent: duration
        }
    }
}
