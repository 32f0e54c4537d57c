import Platform
import Synchronization

/// The sessions of one loop. Confined to the loop.
package final class SessionBook {
    private static let numbers = Atomic<UInt64>(0)
    private var open: [ObjectIdentifier: (session: any LiveSession, number: UInt64, since: Int)] = [:]

    init() {}

    /// A session takes exchanges from now on. It is held until it is `closed`.
    package func opened(_ session: any LiveSession) {
        let number = Self.numbers.add(1, ordering: .relaxed).newValue
        open[ObjectIdentifier(session)] = (session, number, WallTime.seconds)
    }

    /// A session is over. One that was never opened may be closed too.
    package func closed(_ session: any LiveSession) { open[ObjectIdentifier(session)] = nil }

    /// How they are, in the order in which they were opened.
    var views: [SessionView] {
        open.values.map { entry in
            var view = entry.session.view
            (view.number, view.since) = (entry.number, entry.since)
            return view
        }.sorted { $0.number < $1.number }
    }

    /// Has one of them end, once its streams have. False if it is none of this loop's.
    func end(_ number: UInt64) -> Bool {
        guard let entry = open.values.first(where: { $0.number == number }) else { return false }
        entry.session.leave()
        return true
    }
}

@available(*, unavailable)
extension SessionBook: Sendable {}
