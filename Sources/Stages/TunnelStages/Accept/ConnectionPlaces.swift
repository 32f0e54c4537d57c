import Addresses
import Logging
import NIOCore
import Synchronization

/// The places that a listener has for connections, shared by the loops. Touched a few times for each connection, never for what passes.
final class ConnectionPlaces: Sendable {
    typealias Connections = Occupancy<NIOLoopBound<AcceptedConnection>>

    /// How often it is said that strangers are turned out.
    private static let reminder = TimeAmount.minutes(1)

    private let occupancy: Mutex<Connections>
    /// Accepts, while it does.
    private let server = Mutex<(any Channel)?>(nil)
    private let nextReminder = Mutex<NIODeadline>(.uptimeNanoseconds(0))
    private let logger: Logger

    init(limit: Int, strangerLimit: Int, logger: Logger) {
        occupancy = Mutex(Connections(limit: limit, strangerLimit: strangerLimit))
        self.logger = logger
    }

    /// All connections that are open.
    var count: Int { occupancy.withLock { $0.count } }

    /// From now on this channel goes on accepting when there is room again; with nil, none does.
    func serve(_ channel: (any Channel)?) { server.withLock { $0 = channel } }

    /// A connection was accepted.
    ///
    /// - Parameter network: Where a stranger's comes from; nil for a connection that is somebody's at once.
    /// - Returns: What it is counted as, and whether another may be accepted now.
    func enter(from network: ClientNetwork?) -> (place: ListenerPlace, mayAccept: Bool) {
        let (place, verdict) = occupancy.withLock { $0.enter(from: network) }
        follow(verdict)
        return (place, verdict.mayAccept)
    }

    func admit(_ id: Connections.StrangerID) { follow(occupancy.withLock { $0.admit(id) }) }

    /// A stranger's connection has had its time: it may be closed for another.
    func linger(_ id: Connections.StrangerID, _ connection: NIOLoopBound<AcceptedConnection>) {
        follow(occupancy.withLock { $0.linger(id, connection) })
    }

    func leave(_ place: ListenerPlace) { follow(occupancy.withLock { $0.leave(place) }) }

    /// File descriptors have become too few for further connections, or suffice again.
    func runsShort(_ isShort: Bool) { follow(occupancy.withLock { $0.runsShort(isShort) }) }

    /// Closes strangers that have had their time, for their descriptors.
    func turnOutStrangers(_ count: Int) {
        for _ in 0..<count {
            guard let leaving = occupancy.withLock({ $0.takeFirstToGo() }) else { return }
            leaving.eventLoop.execute { leaving.value.giveWay() }
        }
    }

    private func follow(_ verdict: Connections.Verdict) {
        if let leaving = verdict.leaves {
            leaving.eventLoop.execute { leaving.value.giveWay() }
            remind()
        }
        guard verdict.resumes, let channel = server.withLock({ $0 }) else { return }
        channel.eventLoop.execute {
            // The next generation may have begun to accept.
            guard self.server.withLock({ $0 }) === channel else { return }
            try? channel.syncOptions?.setOption(.autoRead, value: true)
        }
    }

    private func remind() {
        let now = NIODeadline.now()
        let isTime = nextReminder.withLock { next in
            guard now >= next else { return false }
            next = now + Self.reminder
            return true
        }
        guard isTime else { return }
        logger.warning(
            "connections of clients that don't say who they are take all room: the oldest are closed for others",
            metadata: ["connections": "\(count)"])
    }
}
