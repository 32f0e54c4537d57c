import Logging
import Pipeline

/// Says each second what a drain waits for.
struct DrainProgress {
    let telemetry: Telemetry
    let logger: Logger
    /// How long what is open has.
    let limit: Duration

    /// Goes on until the task is cancelled. Nothing is said while nothing is open.
    func run() async {
        let clock = ContinuousClock()
        let end = clock.now + limit
        while (try? await clock.sleep(for: .seconds(1))) != nil {
            let open = await telemetry.openExchanges(ExchangeQuery(limit: 1))
            let sessions = await telemetry.sessions().count
            guard let words = Self.words(open, sessions: sessions, left: end - clock.now) else { continue }
            logger.notice("draining", metadata: words)
        }
    }

    /// Nil where there is nothing to wait for.
    static func words(_ open: OpenExchanges, sessions: Int, left: Duration) -> Logger.Metadata? {
        guard open.count > 0 || sessions > 0 else { return nil }
        var words: Logger.Metadata = [
            "exchanges": "\(open.count)", "sessions": "\(sessions)", "left": "\(max(0, left.components.seconds)) s",
        ]
        if let oldest = open.shown.first {
            words["oldest"] = "\(oldest.target)"
            words["open-for"] = "\(oldest.age / 1_000) s"
        }
        return words
    }
}
