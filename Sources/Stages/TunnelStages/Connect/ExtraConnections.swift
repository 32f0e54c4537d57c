import Logging
import NIOCore
import NIOPosix
import Pipeline

/// Connections beside a dialer's, for a user that has filled those there are. They go the way that the dialer's goes, one is dialled at a
/// time, and none is dialled again because it has ended. Confined to its loop.
final class ExtraConnections {
    /// Where they go.
    struct Destination {
        var way: Route
        var server: HostPort
    }

    /// How many there may be.
    private static let limit = 15
    /// How long after a failed attempt the next one is made.
    private static let pause = TimeAmount.seconds(1)

    private let configuration: ConnectConfiguration
    private let shard: Shard
    private let tries: ProxyTries
    private let dials: Counter
    private let finder: AddressFinder
    private var open: [ObjectIdentifier: Outbound] = [:]
    private var dialing: (any Channel)?
    private var isDialing = false
    private var rest: Scheduled<Void>?
    private var isStopped = false
    /// Another is wanted as soon as it can be had.
    private var isWanted = false
    /// Asks anew for one that is wanted, for where it has to go may have changed.
    var onRoom: (() -> Void)?

    init(configuration: ConnectConfiguration, shard: Shard, tries: ProxyTries, dials: Counter, finder: AddressFinder) {
        self.configuration = configuration
        self.shard = shard
        self.tries = tries
        self.dials = dials
        self.finder = finder
    }

    func add(to destination: Destination, for client: any OutboundClient) {
        isWanted = true
        guard !isDialing, rest == nil, !isStopped, open.count < Self.limit else { return }
        isWanted = false
        switch destination.way {
        case .direct: dial(destination.server, destination, client, nil)
        case .proxy(let proxy):
            guard case .granted(let attempt) = tries.ask(proxy, for: destination.server, on: shard.loop) else { return pause() }
            dial(HostPort(host: proxy.host, port: proxy.port), destination, client, attempt)
        }
    }

    /// - Returns: The end of all of them.
    func stop(_ close: (any Channel) -> Void) -> EventLoopFuture<Void> {
        isStopped = true
        rest?.cancel()
        finder.cancel()
        let channels = open.values.map(\.channel)
        for channel in channels { close(channel) }
        return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: shard.loop)
    }

    /// Finds the addresses of a place, and connects to one of them. Both together may take `timeout`.
    private func dial(
        _ place: HostPort, _ destination: Destination, _ client: any OutboundClient, _ attempt: ProxyTry?
    ) {
        isDialing = true
        dials.add()
        let deadline = NIODeadline.now() + TimeAmount(configuration.timeout)
        finder.find(place, until: deadline) { [weak self] found in
            guard let self else { return }
            switch found {
            case .success(let addresses): connect(to: addresses, at: place, destination, client, attempt, until: deadline)
            case .failure(let error):
                attempt?.failed(error.message)
                pause()
            }
        }
    }

    private func connect(
        to addresses: [SocketAddress], at place: HostPort, _ destination: Destination, _ client: any OutboundClient,
        _ attempt: ProxyTry?, until deadline: NIODeadline
    ) {
        guard !isStopped else { return }
        let made = NIOLoopBoundBox<[ObjectIdentifier: Outbound]>([:], eventLoop: shard.loop)
        let bound = NIOLoopBound((self, destination, client, attempt), eventLoop: shard.loop)
        ClientBootstrap.tunnel(on: shard.loop, timeout: max(deadline - .now(), .milliseconds(1)))
            .resolver(KnownAddresses(addresses: addresses, loop: shard.loop))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (this, destination, client, attempt) = bound.value
                    made.value[ObjectIdentifier(channel)] = try this.prepare(channel, destination, client, attempt, until: deadline)
                }
            }
            .connect(host: place.host, port: place.port)
            .assumeIsolated()
            .whenComplete { result in
                guard case .success(let channel) = result, let connection = made.value[ObjectIdentifier(channel)], !self.isStopped
                else {
                    if case .success(let channel) = result { channel.close(promise: nil) }
                    attempt?.failed("the connection failed")
                    return self.pause()
                }
                self.connected(connection, client)
                if case .direct = destination.way { client.ready(connection) }
            }
    }

    private func prepare(
        _ channel: any Channel, _ destination: Destination, _ client: any OutboundClient, _ attempt: ProxyTry?,
        until deadline: NIODeadline
    ) throws -> Outbound {
        let connection = Outbound(channel: channel, host: destination.server.host)
        connection.isExtra = true
        connection.hasCongestionControl = configuration.congestionControl != nil
        if case .proxy(let proxy) = destination.way {
            let handler = ProxyConnectHandler(
                proxy: proxy, server: destination.server, showsCredentials: attempt?.showsCredentials ?? false, until: deadline,
                shard: shard,
                onOpen: { [weak connection] in
                    attempt?.opened()
                    if let connection { client.ready(connection) }
                },
                onFailure: { [weak connection] error in
                    connection?.failure = error
                    if let refusal = error.refusal { _ = attempt?.refused(refusal) } else { attempt?.failed(error.message) }
                })
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        try client.configure(connection)
        configuration.congestionControl?.apply(to: channel).assumeIsolated().whenFailure { [shard] in shard.logger.warning("\($0)")
        }
        return connection
    }

    private func connected(_ connection: Outbound, _ client: any OutboundClient) {
        let channel = connection.channel
        open[ObjectIdentifier(channel)] = connection
        dialing = channel
        connection.onEstablished = { [weak self] in
            guard let self else { return }
            shard.logger.info("another connection to the server is up", metadata: ["connections": "\(open.count + 1)"])
            isDialing = false
            dialing = nil
            askAgain()
        }
        channel.closeFuture.assumeIsolated().whenComplete { _ in
            self.open[ObjectIdentifier(channel)] = nil
            client.lost(connection, because: connection.failure)
            if self.dialing === channel {
                self.dialing = nil
                self.pause()
            } else {
                self.askAgain()
            }
        }
    }

    /// The attempt has failed.
    private func pause() {
        isDialing = false
        isWanted = true
        rest = shard.loop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.rest = nil
            self.askAgain()
        }
    }

    private func askAgain() {
        guard isWanted, !isStopped else { return }
        isWanted = false
        onRoom?()
    }
}

@available(*, unavailable)
extension ExtraConnections: Sendable {}

extension ClientBootstrap {
    /// What connections to the server have in common.
    static func tunnel(on loop: any EventLoop, timeout: TimeAmount) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 192 << 10))
    }
}
