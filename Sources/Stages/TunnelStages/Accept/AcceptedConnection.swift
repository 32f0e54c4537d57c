import Logging
import NIOCore
import Pipeline

/// Watches over a connection that was accepted: a stranger's has a short time in which nobody may have its place, and one on which nothing
/// has passed for too long is closed. Confined to the connection's loop.
final class AcceptedConnection: Expiring, InboundKeeper {
    /// In how many sweeps of the loop's deadlines a stranger may be found whose bytes come.
    private static let sweeps = 4
    /// And one that waits for an answer.
    private static let waits = 12

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    let connection: Inbound
    /// What it is counted as; nil once it isn't counted any longer.
    private(set) var place: ListenerPlace?
    private let acceptor: Acceptor
    private let idle: TimeAmount
    private var sweeps = 0
    private var waits = 0

    init(_ connection: Inbound, _ place: ListenerPlace, acceptor: Acceptor, idle: TimeAmount) {
        self.connection = connection
        self.place = place
        self.acceptor = acceptor
        self.idle = idle
        // The next sweep looks at a stranger.
        deadline = place.isStranger ? .now() : .now() + idle
        if place.isStranger { connection.keeper = self }
    }

    var channel: any Channel { connection.channel }
    var isStranger: Bool { place?.isStranger ?? false }

    func admitted() {
        guard case .stranger(let id)? = place else { return }
        place = .somebody
        deadline = .now() + idle
        acceptor.admitted(id)
    }

    /// Another is to have the place, unless this one has become somebody's meanwhile.
    func giveWay() {
        guard isStranger else { return }
        place = nil
        acceptor.gaveWay(self)
        channel.closeTransport()
    }

    /// The connection is closed. Says what it was counted as.
    func closed() -> ListenerPlace? {
        defer { place = nil }
        connection.keeper = nil
        return place
    }

    func expire(now: NIODeadline) {
        if case .stranger(let id)? = place, sweeps < Self.sweeps { return look(at: id, now) }
        deadline = now + idle
        guard !connection.isActive else {
            connection.isActive = false
            return
        }
        acceptor.shard.logger.debug("idle connection closed", metadata: ["remote": "\(connection.remote)"])
        channel.close(promise: nil)
    }

    /// The first sweep may come before anything could be read. What has come by the second, or comes by one of the next, is the beginning
    /// of a handshake or a request; who is silent has had its time, and so has who still hasn't come to an end. Who waits for an answer
    /// isn't silent: whether it is somebody is being found out. That takes a moment, and not as long as somebody likes.
    private func look(at id: ConnectionPlaces.Connections.StrangerID, _ now: NIODeadline) {
        guard connection.openExchanges == 0 || waits == Self.waits else {
            waits += 1
            deadline = now
            return
        }
        sweeps += 1
        let isComing = connection.isActive
        connection.isActive = false
        guard sweeps > 1, !isComing || sweeps == Self.sweeps else {
            deadline = now
            return
        }
        sweeps = Self.sweeps
        deadline = now + idle
        acceptor.lingered(self, id)
    }
}

@available(*, unavailable)
extension AcceptedConnection: Sendable {}

/// What a connection is counted as at its listener.
typealias ListenerPlace = ConnectionPlaces.Connections.Place

extension Occupancy.Place {
    var isStranger: Bool { if case .stranger = self { true } else { false } }
}
