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
        /// Where that server is looked for, an address and a port, in place of its usual one.
        var detour: HostPort?
        /// The name that the server's certificate has to have, where that isn't the usual one.
        var certificateName: String?
        /// It is opened beside another one.
        var isExtra = false
        /// To which of the addresses behind the server's name.
        var aim = AddressShares.Aim.name(except: [])

        fileprivate var place: HostPort {
            switch way {
            case .direct, .nowhere: detour ?? server
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

    /// What the last attempts waited for.
    var steps = DialSteps()

    private let configuration: ConnectConfiguration
    private let shard: Shard
    private let proxies: ProxyTools
    private let dials: Counter
    private let finder: AddressFinder
    /// The attempt that is under way at a proxy, until it has answered.
    private var attempt: ProxyTry?
    /// What is made while it is asked.
    private var asked: (any Channel)?
    private var isStopped = false
    /// The server's addresses, as they were last found; and those at which a connection was of no use in this round of attempts.
    private var found: [IPAddress] = []
    private var useless: [IPAddress] = []
    /// The one to which the last connection was made: a channel that is closed doesn't tell.
    private var last: IPAddress?

    init(configuration: ConnectConfiguration, shard: Shard, proxies: ProxyTools, dials: Counter) {
        self.configuration = configuration
        self.shard = shard
        self.proxies = proxies
        self.dials = dials
        self.finder = AddressFinder(configuration.resolver, on: shard.loop)
    }

    /// Goes to the server, or to a proxy that isn't known to be of no use, and at which nobody else is finding out.
    ///
    /// - Parameter then: Told once, unless `stop` comes first: when bytes can be sent, which behind a proxy is when it has opened the way.
    func connect(_ target: Target, for client: any OutboundClient, then: @escaping (Outcome) -> Void) {
        if case .nowhere(let reason) = target.way {
            // Later, as with everything else that fails.
            shard.loop.assumeIsolated().execute { if !self.isStopped { then(.failed(StageError(.unavailable, reason))) } }
            return
        }
        guard case .proxy(let proxy) = target.way else { return find(target, for: client, then: then) }
        switch proxies.tries.ask(proxy, by: proxies.access, for: target.server, on: shard.loop) {
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

    /// Each of the server's addresses may be tried again.
    func beginRound() { useless = [] }

    /// A connection that was made directly has ended before it was of use: others are tried before its address is again.
    ///
    /// - Returns: Whether another of the server's addresses may do better, at once.
    func wasOfNoUse(at server: HostPort) -> Bool {
        guard found.count > 1, let address = last else { return false }
        finder.wasOfNoUse(address, at: server)
        guard !useless.contains(address) else { return false }
        useless.append(address)
        return found.contains { !useless.contains($0) }
    }

    /// Whether a server's usual place, as far as it is known, is this one and no other.
    func leadsOnly(to place: HostPort, from usual: HostPort) -> Bool {
        let hosts = AddressResolver.literal(usual.host, port: usual.port).flatMap { IPAddress($0) }.map { [$0] } ?? found
        return usual.port == place.port && hosts.count == 1 && hosts.first == IPAddress(host: place.host)
    }

    /// A connection has ended. Whoever comes to its proxy next doesn't know whether he is still let in.
    func lost(by way: Route) {
        if case .proxy(let proxy) = way, attempt == nil { proxies.tries.lost(proxy, by: proxies.access) }
    }

    /// Nobody waits any more.
    func stop() {
        isStopped = true
        finder.cancel()
        attempt = nil
        asked?.close(promise: nil)
    }

    /// Finds the addresses and connects, which both together may take `timeout`.
    private func find(_ target: Target, for client: any OutboundClient, then: @escaping (Outcome) -> Void) {
        dials.add()
        let deadline = NIODeadline.now() + TimeAmount(configuration.timeout)
        steps.place = target.server
        if AddressResolver.literal(target.place.host, port: target.place.port) == nil, target.aim.isName { steps.begin(.resolve) }
        find(target, until: deadline) { [weak self] found in
            guard let self, !isStopped else { return }
            switch found {
            case .success(let addresses):
                steps.end(.resolve)
                if target.detour == nil { self.found = target.way == .direct ? addresses.compactMap { IPAddress($0) } : [] }
                var handshake: ProxyHandshake?
                var tokens: (any ProxyTokenMaker)?
                if case .proxy(let proxy) = target.way {
                    tokens = proxies.tokens(for: proxy, on: shard.loop)
                    handshake = ProxyHandshake(
                        proxy: proxy, server: target.server, access: proxies.access, habit: attempt?.habit)
                }
                connect(
                    Trip(
                        target: target, addresses: addresses, client: client, deadline: deadline, handshake: handshake,
                        tokens: tokens, then: then))
            case .failure(let error):
                steps.end(.resolve, error.message)
                then(.failed(error))
            }
        }
    }

    private func find(
        _ target: Target, until deadline: NIODeadline, then: @escaping (Result<[SocketAddress], StageError>) -> Void
    ) {
        // Where a server can be reached itself is none of the addresses behind the name.
        if target.detour == nil, case .address(let address) = target.aim,
            let address = SocketAddress(address, port: target.place.port)
        {
            return then(.success([address]))
        }
        var others: [IPAddress] = []
        if case .name(let except) = target.aim { others = except }
        finder.find(target.place, until: deadline) { found in
            guard !others.isEmpty, case .success(let all) = found else { return then(found) }
            let rest = all.filter { address in !others.contains { $0 == IPAddress(address) } }
            then(.success(rest.isEmpty ? all : rest))
        }
    }

    /// What one attempt is about, on all of its connections.
    private struct Trip {
        let target: Target
        let addresses: [SocketAddress]
        let client: any OutboundClient
        let deadline: NIODeadline
        /// With the proxy on the way.
        var handshake: ProxyHandshake?
        let tokens: (any ProxyTokenMaker)?
        let then: (Outcome) -> Void
    }

    private struct Made {
        let connection: Outbound
        let proxy: ProxyConnectHandler?
    }

    private func connect(_ trip: Trip) {
        let place = trip.target.place
        steps.begin(.dial)
        let made = NIOLoopBoundBox<[ObjectIdentifier: Made]>([:], eventLoop: shard.loop)
        let bound = NIOLoopBound((self, trip), eventLoop: shard.loop)
        ClientBootstrap.tunnel(on: shard.loop, timeout: max(trip.deadline - .now(), .milliseconds(1)))
            .resolver(KnownAddresses(addresses: trip.addresses, loop: shard.loop))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (this, trip) = bound.value
                    // Several addresses may be tried at once; the last to be made here isn't always the one that connects.
                    made.value[ObjectIdentifier(channel)] = try this.prepare(channel, trip)
                }
            }
            .connect(host: place.host, port: place.port)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    self.finder.connected(channel.remoteAddress, of: trip.addresses, at: place)
                    self.last = channel.remoteAddress.flatMap { IPAddress($0) }
                    guard let made = made.value[ObjectIdentifier(channel)], !self.isStopped else {
                        channel.close(promise: nil)
                        return trip.then(.failed(ChannelError.ioOnClosedChannel))
                    }
                    guard let proxy = made.proxy else {
                        self.steps.end(.dial)
                        trip.then(.connected(made.connection))
                        return trip.client.ready(made.connection)
                    }
                    self.asked = channel
                    proxy.begin { self.answered($0, by: proxy, made.connection, trip) }
                case .failure(let error):
                    // One address of several says nothing of the name's others.
                    if trip.target.aim.isName { self.finder.failed(at: place) }
                    self.steps.end(.dial, ConnectionFailure.words(for: error))
                    trip.then(.failed(error))
                }
            }
    }

    /// The proxy has opened the way or hasn't, or is to be asked further on another connection.
    private func answered(_ end: ProxyConnectHandler.End, by proxy: ProxyConnectHandler, _ connection: Outbound, _ trip: Trip) {
        asked = nil
        guard !isStopped else { return connection.channel.close(promise: nil) }
        switch end {
        case .open:
            steps.end(.dial)
            attempt?.opened(by: proxy.handshake.habit)
            attempt = nil
            trip.then(.connected(connection))
            trip.client.ready(connection)
            proxy.release()
        case .again:
            var trip = trip
            trip.handshake = proxy.handshake
            connect(trip)
        case .failed(let error):
            steps.end(.dial, error.message)
            trip.then(.failed(error))
        }
    }

    private func prepare(_ channel: any Channel, _ trip: Trip) throws -> Made {
        let target = trip.target
        let connection = Outbound(channel: channel, host: target.server.host)
        connection.isExtra = target.isExtra
        connection.isDetour = target.detour != nil
        connection.certificateName = target.certificateName
        connection.hasCongestionControl = configuration.congestionControl != nil
        var proxy: ProxyConnectHandler?
        if let handshake = trip.handshake {
            if handshake.proxy.isSecure {
                try channel.pipeline.syncOperations.addHandlers(
                    proxies.tls.handler(for: handshake.proxy), ProxyTLSBoundary())
            }
            let handler = ProxyConnectHandler(
                handshake, tls: handshake.proxy.isSecure ? proxies.tls : nil, tokens: trip.tokens, until: trip.deadline,
                shard: shard)
            try channel.pipeline.syncOperations.addHandler(handler)
            proxy = handler
        }
        try trip.client.configure(connection)
        // A tunnel that sends as the system would have it is better than none.
        configuration.congestionControl?.apply(to: channel).assumeIsolated().whenFailure { [shard] error in
            shard.logger.warning("\(error)", metadata: ["server": "\(target.server)"])
        }
        return Made(connection: connection, proxy: proxy)
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
