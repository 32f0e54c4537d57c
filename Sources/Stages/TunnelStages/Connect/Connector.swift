import ConfigurationLanguage
import Instruments
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Platform

/// Makes connections to the server, one at a time: finds the addresses of the server or of the proxy on the way to it, connects to one of
/// them, and prepares the channel for whoever uses it. Confined to its loop.
final class Connector {
    /// Where a connection goes.
    struct Target {
        var way: Route
        var server: HostPort
        /// The name that the server's certificate has to have, where that isn't the usual one.
        var certificateName: String?
        /// It is opened beside another one.
        var isExtra = false

        fileprivate var place: HostPort {
            switch way {
            case .direct: server
            case .proxy(let proxy): HostPort(host: proxy.host, port: proxy.port)
            }
        }
    }

    /// What became of it.
    enum Outcome {
        case connected(Outbound)
        case failed(any Error)
        /// Nothing was tried, for the way is known to lead nowhere; how long, if that is known.
        case refused(ProxyError, ProxyStandings.Rest?)
        /// Nothing was tried, for somebody else was finding out: asking again tells what.
        case again
    }

    private let configuration: ConnectConfiguration
    private let shard: Shard
    private let tries: ProxyTries
    private let dials: Counter
    private let finder: AddressFinder
    /// The attempt that is under way at a proxy, until it has answered.
    private var attempt: ProxyTry?
    private var isStopped = false

    init(configuration: ConnectConfiguration, shard: Shard, tries: ProxyTries, dials: Counter) {
        self.configuration = configuration
        self.shard = shard
        self.tries = tries
        self.dials = dials
        self.finder = AddressFinder(configuration.resolver, on: shard.loop)
    }

    /// Goes to the server, or to a proxy that isn't known to be of no use, and at which nobody else is finding out.
    ///
    /// - Parameter then: Told once, unless `stop` comes first. The client is told when bytes can be sent: at once, or when a proxy has opened
    ///   the way.
    func connect(_ target: Target, for client: any OutboundClient, then: @escaping (Outcome) -> Void) {
        guard case .proxy(let proxy) = target.way else { return find(target, for: client, then: then) }
        switch tries.ask(proxy, for: target.server, on: shard.loop) {
        case .granted(let attempt):
            self.attempt = attempt
            find(target, for: client, then: then)
        case .refused(let rest): then(.refused(ProxyError(message: rest.sentence), rest))
        case .busy(let ending):
            ending.assumeIsolated().whenSuccess { ending in
                guard !self.isStopped else { return }
                // What is known of one server says nothing of another.
                guard ending.server == target.server.normalized, let failure = ending.failure else { return then(.again) }
                then(.refused(ProxyError(message: failure), nil))
            }
        }
    }

    /// A connection by a way has ended before it was of use, or could not be made.
    ///
    /// - Returns: How long the way leads nowhere, if a proxy on it has said so.
    func gaveUp(because error: any Error, saying sentence: String) -> ProxyStandings.Rest? {
        guard let attempt else { return nil }
        self.attempt = nil
        if let refusal = (error as? ProxyError)?.refusal { return attempt.refused(refusal) }
        attempt.failed(sentence)
        return nil
    }

    /// A connection has ended. Whoever comes to its proxy next doesn't know whether he is still let in.
    func lost(by way: Route) {
        if case .proxy(let proxy) = way, attempt == nil { tries.lost(proxy) }
    }

    /// Nobody waits any more.
    func stop() {
        isStopped = true
        finder.cancel()
        attempt = nil
    }

    /// Finds the addresses and connects, which both together may take `timeout`.
    private func find(_ target: Target, for client: any OutboundClient, then: @escaping (Outcome) -> Void) {
        dials.add()
        let deadline = NIODeadline.now() + TimeAmount(configuration.timeout)
        finder.find(target.place, until: deadline) { [weak self] found in
            guard let self, !isStopped else { return }
            switch found {
            case .success(let addresses): connect(target, at: addresses, for: client, until: deadline, then: then)
            case .failure(let error): then(.failed(error))
            }
        }
    }

    private func connect(
        _ target: Target, at addresses: [SocketAddress], for client: any OutboundClient, until deadline: NIODeadline,
        then: @escaping (Outcome) -> Void
    ) {
        let place = target.place
        let made = NIOLoopBoundBox<[ObjectIdentifier: Outbound]>([:], eventLoop: shard.loop)
        let bound = NIOLoopBound((self, target, client), eventLoop: shard.loop)
        ClientBootstrap.tunnel(on: shard.loop, timeout: max(deadline - .now(), .milliseconds(1)))
            .resolver(KnownAddresses(addresses: addresses, loop: shard.loop))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (this, target, client) = bound.value
                    // Several addresses may be tried at once; the last to be made here isn't always the one that connects.
                    made.value[ObjectIdentifier(channel)] = try this.prepare(channel, target, client, until: deadline)
                }
            }
            .connect(host: place.host, port: place.port)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    self.finder.connected(channel.remoteAddress, of: addresses, at: place)
                    guard let connection = made.value[ObjectIdentifier(channel)], !self.isStopped else {
                        channel.close(promise: nil)
                        return then(.failed(ChannelError.ioOnClosedChannel))
                    }
                    then(.connected(connection))
                    if case .direct = target.way { client.ready(connection) }
                case .failure(let error):
                    self.finder.failed(at: place)
                    then(.failed(error))
                }
            }
    }

    private func prepare(
        _ channel: any Channel, _ target: Target, _ client: any OutboundClient, until deadline: NIODeadline
    ) throws -> Outbound {
        let connection = Outbound(channel: channel, host: target.server.host)
        connection.isExtra = target.isExtra
        connection.certificateName = target.certificateName
        connection.hasCongestionControl = configuration.congestionControl != nil
        if case .proxy(let proxy) = target.way {
            let attempt = attempt
            let handler = ProxyConnectHandler(
                proxy: proxy, server: target.server, showsCredentials: attempt?.showsCredentials ?? false, until: deadline,
                shard: shard,
                onOpen: { [weak self, weak connection] in
                    attempt?.opened()
                    self?.attempt = nil
                    if let connection { client.ready(connection) }
                },
                onFailure: { [weak connection] in connection?.failure = $0 })
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        try client.configure(connection)
        // A tunnel that sends as the system would have it is better than none.
        configuration.congestionControl?.apply(to: channel).assumeIsolated().whenFailure { [shard] error in
            shard.logger.warning("\(error)", metadata: ["server": "\(target.server)"])
        }
        return connection
    }
}

extension ProxyStandings.Rest {
    /// Why, and when it is tried again.
    var sentence: String { "\(refusal.reason); it isn't asked again before \(Timestamp.utc(time))" }
}

@available(*, unavailable)
extension Connector: Sendable {}

extension ClientBootstrap {
    /// What connections to the server have in common.
    fileprivate static func tunnel(on loop: any EventLoop, timeout: TimeAmount) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 192 << 10))
    }
}
