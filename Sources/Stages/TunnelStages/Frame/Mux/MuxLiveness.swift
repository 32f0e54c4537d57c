import NIOCore

/// Whether a session's peer is there, and how far it is: when it was last heard, what it has been asked, and how long its answers take.
/// A value that gets the time; the session writes the PINGs that it names.
struct MuxLiveness: Equatable {
    /// A PING that was made and isn't answered. A later one takes its place.
    private enum Question: Equatable {
        case none
        case asked(at: NIODeadline)
        /// The answer's way was interrupted: it says nothing of how long that is.
        case interrupted
    }

    /// What is to be done about a peer that says nothing.
    enum Step: Equatable {
        case nothing
        /// A PING with this token is to be sent.
        case ask(UInt64)
        /// Nothing has come for so long since the peer was asked. Who knows the connection decides.
        case doubt(after: TimeAmount)
        /// Nothing has come for so long, and an answer was due.
        case silent(TimeAmount)
    }

    /// When something last came; at first, when the session began.
    private(set) var lastHeard: NIODeadline
    /// The shortest time that an answer took; nil before the first.
    private(set) var shortestRoundTrip: TimeAmount?
    private var roundTrip: TimeAmount?
    private var question = Question.none
    private var token: UInt64 = 0
    /// Since when a silent peer has owed an answer.
    private var askedAt: NIODeadline?
    private var pulse = MuxPulse()
    private var isAsked = false

    /// A peer that has not been heard yet.
    init(now: NIODeadline) { lastHeard = now }

    /// Something has come, be it a part of a frame: the peer is there.
    mutating func heard(_ now: NIODeadline) {
        lastHeard = now
        askedAt = nil
        pulse.heard()
    }

    /// Something was sent that the peer won't leave without an answer for long.
    mutating func sent(at now: @autoclosure () -> NIODeadline) {
        if pulse.isIdle { pulse.sent(at: now()) }
    }

    // MARK: - Asking

    /// The token of a PING that is to be sent now. Its answer shows how long the way is.
    mutating func ping(_ now: NIODeadline) -> UInt64 {
        token &+= 1
        question = .asked(at: now)
        return token
    }

    /// An answer has come. False if nobody has asked for it.
    mutating func answered(_ token: UInt64, _ now: NIODeadline) -> Bool {
        guard question != .none, token == self.token else { return false }
        if case .asked(let time) = question {
            roundTrip = now - time
            shortestRoundTrip = min(shortestRoundTrip ?? now - time, now - time)
        }
        question = .none
        return true
    }

    /// The connection was lost, and another carries on.
    mutating func interrupt() {
        if question != .none { question = .interrupted }
    }

    /// There is reason to doubt that the peer can be reached. The token of a PING that is to be sent, if any is.
    mutating func doubt(_ now: NIODeadline) -> UInt64? {
        guard pulse.doubt(at: now, roundTrip: shortestRoundTrip) else { return nil }
        return ask(now)
    }

    private mutating func ask(_ now: NIODeadline) -> UInt64? {
        guard askedAt == nil else { return nil }
        askedAt = now
        return ping(now)
    }

    /// How long the peer took to answer a PING, once for each answer.
    mutating func takeRoundTrip() -> TimeAmount? {
        // Asked for after each read: most of the time there is nothing, and nothing to be written.
        guard let time = roundTrip else { return nil }
        roundTrip = nil
        return time
    }

    // MARK: - Being asked

    /// The peer has asked whether this side is there.
    mutating func wasAsked() { isAsked = true }

    /// Whether the peer has asked, since this was last looked at.
    mutating func takeQuestion() -> Bool {
        guard isAsked else { return false }
        isAsked = false
        return true
    }

    // MARK: - Time

    /// When `tick` is due.
    func deadline(_ configuration: MuxConfiguration) -> NIODeadline {
        let usual = silenceDeadline(configuration)
        return pulse.deadline(shortestRoundTrip).map { min(usual, $0) } ?? usual
    }

    /// A PING that was sent early leaves the time that a peer may be silent as it is.
    private func silenceDeadline(_ configuration: MuxConfiguration) -> NIODeadline {
        let usual = lastHeard + configuration.pingInterval
        return askedAt.map { max($0, usual) + configuration.pingTimeout } ?? usual
    }

    /// Time has passed.
    mutating func tick(_ now: NIODeadline, _ configuration: MuxConfiguration) -> Step {
        if now >= silenceDeadline(configuration) {
            return ask(now).map(Step.ask) ?? .silent(now - lastHeard)
        }
        switch pulse.tick(at: now, roundTrip: shortestRoundTrip) {
        case .nothing: return .nothing
        case .ask: return ask(now).map(Step.ask) ?? .nothing
        case .doubt(let time): return .doubt(after: time)
        }
    }
}
