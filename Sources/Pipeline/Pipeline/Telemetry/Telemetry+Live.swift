import HTTPMessages
import NIOCore

/// What is open at this moment, for whoever looks. Loops are asked one after the other; nothing is kept up to date for readers.
extension Telemetry {
    /// The exchanges that are open, the oldest first.
    package func openExchanges(_ query: ExchangeQuery) async -> OpenExchanges {
        var all = OpenExchanges()
        for part in await ask({ $0.openExchanges(query) }) { all.add(part) }
        all.shown.sort { ($1.age, $0.id.rawValue) < ($0.age, $1.id.rawValue) }
        all.shown.removeLast(max(0, all.shown.count - query.limit))
        return all
    }

    /// The sessions that are open, in the order in which they were opened.
    package func sessions() async -> [SessionView] {
        await ask { $0.sessions.views }.flatMap { $0 }.sorted { $0.number < $1.number }
    }

    /// Ends an open exchange: its client is answered, or its connection reset where the answer has begun. False if there is none.
    package func endExchange(_ id: ExchangeID) async -> Bool {
        await ask { $0.endExchange(id, Failure(.cancelled, "ended by whoever operates the program")) }.contains(true)
    }

    /// Has a session take no more streams, and end with the last. False if there is none.
    package func endSession(_ number: UInt64) async -> Bool {
        await ask { $0.sessions.end(number) }.contains(true)
    }
}
