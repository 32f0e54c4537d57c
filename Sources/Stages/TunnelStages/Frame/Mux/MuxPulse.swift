import NIOCore

/// Whether a peer is asked sooner than its silence alone would have it, and when that is decided: something was sent to it, and nothing has
/// come since. A value; the session sends its PINGs.
struct MuxPulse: Equatable {
    /// An answer that takes less time, or two round trips, is waited for without a question.
    static let patience = TimeAmount.milliseconds(250)
    /// For how long, or for three round trips, the question may be without a sign of life.
    static let decision = TimeAmount.seconds(2)

    enum Step: Equatable {
        case nothing
        /// The peer is to be asked whether it is there.
        case ask
        /// It hasn't said anything for so long since it was asked.
        case doubt(after: TimeAmount)
    }

    /// Since when something that was sent has been without an answer.
    private var owedSince: NIODeadline?
    private var decidedAt: NIODeadline?

    /// Something has come, whatever it is.
    mutating func heard() { (owedSince, decidedAt) = (nil, nil) }

    /// Whether it is of interest that something is sent.
    var isIdle: Bool { owedSince == nil }

    /// Something was sent that the peer won't leave without an answer for long, or has an answer for later.
    mutating func sent(at now: NIODeadline) { if owedSince == nil { owedSince = now } }

    /// There is reason to doubt that the peer can be reached.
    /// - Returns: Whether it is to be asked, which it isn't twice.
    mutating func doubt(at now: NIODeadline, roundTrip: TimeAmount?) -> Bool {
        guard decidedAt == nil else { return false }
        decidedAt = now + Self.limit(roundTrip)
        return true
    }

    /// When `tick` is due.
    func deadline(_ roundTrip: TimeAmount?) -> NIODeadline? {
        decidedAt ?? owedSince.map { $0 + max(Self.patience, roundTrip.map { .nanoseconds($0.nanoseconds * 2) } ?? .zero) }
    }

    mutating func tick(at now: NIODeadline, roundTrip: TimeAmount?) -> Step {
        guard let deadline = deadline(roundTrip), now >= deadline else { return .nothing }
        let limit = Self.limit(roundTrip)
        defer { decidedAt = now + limit }
        return decidedAt == nil ? .ask : .doubt(after: limit)
    }

    private static func limit(_ roundTrip: TimeAmount?) -> TimeAmount {
        max(decision, roundTrip.map { .nanoseconds($0.nanoseconds * 3) } ?? .zero)
    }
}
