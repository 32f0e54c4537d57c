import Logging
import NIOCore
import Pipeline

/// Closes a connection on which nothing has passed for too long.
final class IdleWatch: Expiring {
    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let connection: Inbound
    private let limit: TimeAmount
    private let shard: Shard

    init(_ connection: Inbound, limit: TimeAmount, shard: Shard) {
        self.connection = connection
        self.limit = limit
        self.shard = shard
        deadline = .now() + limit
    }

    var channel: any Channel { connection.channel }
    /// Since when nothing is open on it, where that is known.
    var unusedSince: NIODeadline? { connection.unusedSince }

    func start() { shard.deadlines.add(self) }
    func stop() { shard.deadlines.remove(self) }

    func expire(now: NIODeadline) {
        deadline = now + limit
        guard !connection.isActive else {
            connection.isActive = false
            return
        }
        shard.logger.debug("idle connection closed", metadata: ["remote": "\(connection.remote)"])
        channel.close(promise: nil)
    }
}

@available(*, unavailable)
extension IdleWatch: Sendable {}
