import Instruments
import Logging
import NIOCore
import Pipeline

/// Connections beside a dialer's, for a user that has filled those there are. They go the way that the dialer's goes, one is dialled at a
/// time, and none is dialled again because it has ended. Confined to its loop.
final class ExtraConnections {
    /// How many there may be.
    private static let limit = 15
    /// How long after a failed attempt the next one is made.
    private static let pause = TimeAmount.seconds(1)

    private enum Phase {
        case ready
        /// The attempt counts as such until the connection works.
        case dialing((any Channel)?)
        case resting(Scheduled<Void>)
        case stopped
    }

    private let shard: Shard
    private let connector: Connector
    private var open: [ObjectIdentifier: Outbound] = [:]
    private var phase = Phase.ready
    /// Another is wanted as soon as it can be had.
    private var isWanted = false
    /// Asks anew for one that is wanted, for where it has to go may have changed.
    var onRoom: (() -> Void)?

    init(configuration: ConnectConfiguration, shard: Shard, proxies: ProxyTools, dials: Counter) {
        self.shard = shard
        self.connector = Connector(configuration: configuration, shard: shard, proxies: proxies, dials: dials)
    }

    func add(to target: Connector.Target, for client: any OutboundClient) {
        isWanted = true
        guard case .ready = phase, open.count < Self.limit else { return }
        isWanted = false
        phase = .dialing(nil)
        connector.connect(target, for: client) { outcome in
            switch outcome {
            case .connected(let connection): self.connected(connection, client)
            case .failed(let error): self.failed(error)
            case .refused, .again: self.rest()
            }
        }
    }

    /// - Returns: The end of all of them.
    func stop(_ close: (any Channel) -> Void) -> EventLoopFuture<Void> {
        if case .resting(let rest) = phase { rest.cancel() }
        phase = .stopped
        connector.stop()
        let channels = open.values.map(\.channel)
        for channel in channels { close(channel) }
        return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: shard.loop)
    }

    private func connected(_ connection: Outbound, _ client: any OutboundClient) {
        let channel = connection.channel
        open[ObjectIdentifier(channel)] = connection
        phase = .dialing(channel)
        connection.onEstablished = { [weak self] in self?.established() }
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.open[ObjectIdentifier(channel)] = nil
            client.lost(connection, because: connection.failure)
            if case .dialing(let dialed) = self.phase, dialed === channel {
                self.failed(connection.failure ?? ChannelError.eof)
            } else {
                self.askAgain()
            }
        }
    }

    private func established() {
        guard case .dialing = phase else { return }
        shard.logger.info("another connection to the server is up", metadata: ["connections": "\(open.count + 1)"])
        phase = .ready
        askAgain()
    }

    private func failed(_ error: any Error) {
        _ = connector.gaveUp(because: error, saying: ConnectionFailure.words(for: error))
        rest()
    }

    private func rest() {
        guard case .dialing = phase else { return }
        isWanted = true
        phase = .resting(
            shard.loop.assumeIsolated().scheduleTask(in: Self.pause) {
                self.phase = .ready
                self.askAgain()
            })
    }

    private func askAgain() {
        guard isWanted, case .ready = phase else { return }
        isWanted = false
        onRoom?()
    }
}

@available(*, unavailable)
extension ExtraConnections: Sendable {}
