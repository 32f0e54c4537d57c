import NIOCore
import Pipeline
import Synchronization
import TunnelStages

/// How far a connection has come, as two `WatchStage`s see it: one behind whatever encrypts, one in front of it.
final class TunnelWatch: Sendable {
    /// The places that a connection reaches, in order.
    enum Place: Int, Sendable, Comparable {
        case nowhere, open, secure, established

        static func < (left: Place, right: Place) -> Bool { left.rawValue < right.rawValue }
    }

    /// What has been seen.
    struct Seen: Sendable {
        var place = Place.nowhere
        var times: [Place: NIODeadline] = [:]
        /// Why it ended, in a sentence.
        var failure: String?
        var endedAt: NIODeadline?
        var identity: String?
        /// What was asked for in ALPN.
        var protocols: [String] = []
        var connection: ConnectionFacts?
    }

    private let state = Mutex(Seen())

    var seen: Seen { state.withLock { $0 } }

    func reached(_ place: Place) {
        state.withLock {
            guard place > $0.place else { return }
            $0.place = place
            $0.times[place] = .now()
        }
    }

    func ended(_ sentence: String) {
        state.withLock {
            guard $0.failure == nil else { return }
            $0.failure = sentence
            $0.endedAt = .now()
        }
    }

    func note(protocols: [String]) { state.withLock { $0.protocols = protocols } }
    func note(identity: String) { state.withLock { $0.identity = identity } }
    func note(_ facts: ConnectionFacts) { state.withLock { $0.connection = facts } }
}

/// Stands between stages of outgoing connections, passes everything on, and says what it sees.
struct WatchStage: Stage {
    typealias Input = Outbound
    typealias Output = Outbound

    let watch: TunnelWatch
    let place: TunnelWatch.Place

    func assemble(_ downstream: any OutboundPort, on shard: Shard) throws -> any OutboundPort {
        Port(watch, place, downstream: downstream, shard: shard)
    }

    private final class Port: OutboundPort, OutboundClient {
        private static let interval = TimeAmount.milliseconds(100)

        private let watch: TunnelWatch
        private let place: TunnelWatch.Place
        private let downstream: any OutboundPort
        private let shard: Shard
        private var client: (any OutboundClient)?

        init(_ watch: TunnelWatch, _ place: TunnelWatch.Place, downstream: any OutboundPort, shard: Shard) {
            self.watch = watch
            self.place = place
            self.downstream = downstream
            self.shard = shard
        }

        func attach(_ client: any OutboundClient) {
            self.client = client
            downstream.attach(self)
        }

        var status: OutboundStatus { downstream.status }
        var patience: TimeAmount { downstream.patience }
        func openAnother() { downstream.openAnother() }
        func hasten() { downstream.hasten() }
        var connections: ConnectionCount { .exactly(1) }

        var protocols: [String] { client?.protocols ?? [] }
        func configure(_ connection: Outbound) throws {
            if place == .secure { watch.note(protocols: protocols) }
            try client?.configure(connection)
        }

        func ready(_ connection: Outbound) {
            watch.reached(place)
            if let identity = connection.identity { watch.note(identity: identity.description) }
            if place == .open { look(at: connection) }
            let onEstablished = connection.onEstablished
            connection.onEstablished = { [watch] in
                watch.reached(.established)
                onEstablished?()
            }
            client?.ready(connection)
        }

        func lost(_ connection: Outbound?, because error: (any Error)?) {
            let cause = connection?.failure ?? error
            watch.ended(
                cause.map { ($0 as? StageError)?.message ?? ConnectionFailure.words(for: $0) } ?? "the connection was closed")
            client?.lost(connection, because: error)
        }

        func roomFreed() { client?.roomFreed() }
        var detour: HostPort? { client?.detour }

        /// What the kernel knows of a connection it forgets with the connection: it is asked all the time.
        private func look(at connection: Outbound) {
            let bound = NIOLoopBound(connection, eventLoop: shard.loop)
            shard.loop.scheduleRepeatedTask(initialDelay: .zero, delay: Self.interval) { [watch] task in
                guard bound.value.channel.isActive else { return task.cancel() }
                if let facts = ConnectionFacts(of: bound.value.channel) { watch.note(facts) }
            }
        }
    }
}
