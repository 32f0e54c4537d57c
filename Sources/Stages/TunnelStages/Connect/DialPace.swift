import NIOCore

/// How soon the server is dialled again when somebody wants a connection, whatever wait has grown before: at once, but no more often than
/// every 100 ms; and every second for as long as he may still wait.
struct DialPace {
    /// From the beginning of one round of attempts to that of the next.
    static let least = TimeAmount.milliseconds(100)
    /// How long the next round is waited for while somebody may be waiting for a connection.
    static let wanted = TimeAmount.seconds(1)

    private var lastBegan: NIODeadline?
    private var wantedUntil: NIODeadline?

    /// All ways are tried, from now on.
    mutating func began(at now: NIODeadline) { lastBegan = now }

    /// Somebody wants a connection, and waits for it until `deadline`.
    /// - Returns: How long it has to be until the next round.
    mutating func want(until deadline: NIODeadline, at now: NIODeadline) -> TimeAmount {
        wantedUntil = max(wantedUntil ?? deadline, deadline)
        return remainder(at: now)
    }

    /// The wait for the next round, where it would be `usual`.
    func wait(_ usual: TimeAmount, at now: NIODeadline) -> TimeAmount {
        guard let wantedUntil, now < wantedUntil else { return usual }
        return max(min(usual, Self.wanted), remainder(at: now))
    }

    private func remainder(at now: NIODeadline) -> TimeAmount {
        guard let lastBegan else { return .zero }
        return max(lastBegan + Self.least - now, .zero)
    }
}
