import Logging
import Pipeline
import Platform

/// Says each second what a drain waits for.
struct DrainProgress {
    let telemetry: Telemetry
    let logger: Logger
    /// How long what is open has.
    let limit: Duration
    /// Where it is said each second; the log then says it at the beginning and now and then. Nil where nobody sits before a terminal.
    var status: StatusLine?

    /// So many seconds lie between two lines of the log where a terminal shows each.
    private static let interval = 10

    /// Goes on until the task is cancelled. Nothing is said while nothing is open.
    func run() async {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var told = 0
        while (try? await clock.sleep(for: .seconds(1))) != nil {
            let open = await telemetry.openExchanges(ExchangeQuery(limit: 1))
            let sessions = await telemetry.sessions().count
            let left = end - clock.now
            guard let words = Self.words(open, sessions: sessions, left: left) else { continue }
            status?.show(Self.sentence(open, sessions: sessions, left: left))
            // What isn't in the log can't be looked up later.
            if status == nil || told % Self.interval == 0 { logger.notice("draining", metadata: words) }
            told += 1
        }
        status?.clear()
    }

    /// The same for a person who waits for it.
    static func sentence(_ open: OpenExchanges, sessions: Int, left: Duration) -> String {
        func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let oldest = open.shown.first.map { ", the oldest with \($0.target) for \($0.age / 1_000) s" } ?? ""
        return "Draining: \(count(open.count, "exchange"))\(oldest), \(count(sessions, "session")); "
            + "\(max(0, left.components.seconds)) s left, Ctrl-C ends at once …"
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
