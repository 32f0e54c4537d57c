import ConfigurationLanguage
import Instruments
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Platform

/// Keeps one connection to the server open on one loop.
final class Dialer: OutboundPort {
    private static let farewell = TimeAmount.milliseconds(250)

    let configuration: ConnectConfiguration
    let presence: ServerPresence?
    private var routes: [Route]
    let shard: Shard
    /// The way that is tried or used: an index of `routes`.
    private var route = 0
    /// Why the ways before it failed.
    private var faults: [String] = []
    /// What those of them rest for whose proxy refuses.
    private var rests: [ProxyStandings.Rest] = []
    private let tries: ProxyTries
    /// The attempt that is under way at a proxy, until it has answered.
    private var proxyTry: ProxyTry?
    /// The proxy that has opened the way of the connection.
    private var openedBy: ProxyAddress?
    /// What ends first where all ways rest: before that, no attempt can succeed.
    var allRest: ProxyStandings.Rest?
    private var client: (any OutboundClient)?
    var connection: Outbound?
    var retry: Scheduled<Void>?
    /// When that is due.
    var nextDial = NIODeadline.distantFuture
    private let finder: AddressFinder
    var backoff = Backoff()
    /// For what only a change of a configuration or of a certificate can mend.
    var patientBackoff = Backoff(first: .seconds(10), longest: .seconds(60))
    var isLasting = false
    /// A way leads to a server with which this side doesn't go together.
    var isMismatch = false
    var pace = DialPace()
    /// Another attempt before its time may succeed: what was in the way of the last may be over at any moment.
    var mayHasten = false
    var isStopped = false
    var isDialing = false
    var isUp = false
    private var downSince = WallTime.seconds
    private var reason = "not connected yet"
    private var wasUp = false
    private let up: Gauge
    private let dials: Counter
    private let failures: Counter
    private let losses: Counter
    private let reconnects: Counter
    private let extra: ExtraConnections
    /// Those beside this one, which are made while the plan is assembled.
    var siblings: SiblingDialers?
    /// It opens its connection only when it is wanted beside another dialer's.
    var isSibling = false
    /// It keeps a connection open.
    private(set) var isSought = false

    init(
        configuration: ConnectConfiguration, routes: [Route], presence: ServerPresence?, shard: Shard, tries: ProxyTries = .process
    ) {
        self.tries = tries
        self.configuration = configuration
        self.routes = routes
        self.presence = presence
        self.shard = shard
        self.finder = AddressFinder(configuration.resolver, on: shard.loop)
        let labels = shard.assembling?.labels ?? []
        up = shard.metrics.gauge(ConnectFactory.Metrics.up, labels)
        dials = shard.metrics.counter(ConnectFactory.Metrics.dials, labels)
        failures = shard.metrics.counter(ConnectFactory.Metrics.failures, labels)
        losses = shard.metrics.counter(ConnectFactory.Metrics.losses, labels)
        reconnects = shard.metrics.counter(ConnectFactory.Metrics.reconnects, labels)
        extra = ExtraConnections(
            configuration: configuration, shard: shard, tries: tries, dials: dials,
            finder: AddressFinder(configuration.resolver, on: shard.loop))
        extra.onRoom = { [weak self] in self?.client?.roomFreed() }
    }

    /// Where the server is; nil while that isn't known.
    private var to: HostPort? {
        switch configuration.to {
        case .fixed(let address): address
        case .discover: presence?.address
        }
    }

    private var place: String { to.map { "\($0)" } ?? configuration.to.description }

    /// A server that nobody has woken isn't dialled: at its last address may be somebody else's.
    var isWorthDialing: Bool {
        switch presence?.phase {
        case nil, .waking, .up: true
        case .asleep, .failed: false
        }
    }

    /// None where all ways rest for longer than that, or because of a refusal that mostly takes a change of something to mend.
    var patience: TimeAmount {
        let wait = TimeAmount(configuration.wait)
        return isHopeless(for: wait) ? .zero : wait
    }

    private func isHopeless(for wait: TimeAmount) -> Bool {
        guard let allRest else { return false }
        if case .passing = allRest.refusal.kind { return allRest.until - .now() > wait }
        return true
    }

    var status: OutboundStatus {
        isUp ? .up : .down(since: downSince, to: place, because: reason)
    }

    func attach(_ client: any OutboundClient) { self.client = client }

    func start() {
        isSought = true
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        presence?.observe(on: shard.loop) { this.value.presenceChanged() }
        dial()
    }

    /// By the way that leads to the server, as long as one does.
    func openAnother() {
        guard isUp, !isStopped, let to, let client else { return }
        extra.add(to: .init(way: routes[route], server: to), for: client)
    }

    func stop() -> EventLoopFuture<Void> {
        isStopped = true
        retry?.cancel()
        finder.cancel()
        proxyTry = nil
        let others = extra.stop(leave)
        guard let channel = connection?.channel else { return others }
        leave(channel)
        return channel.closeFuture.and(others).map { _ in }
    }

    private func leave(_ channel: any Channel) {
        // The server learns that this agent has gone, and not only that a connection was lost; unless it is to be kept.
        guard presence?.leavesQuietly != true else { return channel.close(promise: nil) }
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        _ = shard.loop.assumeIsolated().scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
    }

    /// What was found out or begun makes another attempt worthwhile at once.
    private func presenceChanged() {
        guard connection == nil, !isDialing, isWorthDialing else { return }
        backoff.reset()
        patientBackoff.reset()
        retry?.cancel()
        beginRound()
        dial()
    }

    /// All ways are tried anew, or the one that leads to the server is known.
    func beginRound(at route: Int = 0) {
        self.route = route
        faults = []
        rests = []
        isLasting = false
        isMismatch = false
    }

    func dial() {
        guard !isStopped, !isDialing, isWorthDialing, let to else { return }
        allRest = nil
        if route == 0 { pace.began(at: .now()) }
        // Where a server is found out only now, so is the way that the environment names for it.
        if configuration.to == .discover, route == 0, let found = try? configuration.routes(to: to, in: .process) { routes = found }
        isDialing = true
        switch routes[route] {
        case .direct: connect(to: (to.host, to.port), for: to, showsCredentials: false)
        case .proxy(let proxy): ask(proxy, for: to)
        }
    }

    /// Goes to a proxy, unless that is known to be of no use, or somebody else is finding out.
    private func ask(_ proxy: ProxyAddress, for server: HostPort) {
        switch tries.ask(proxy, for: server, on: shard.loop) {
        case .granted(let attempt):
            proxyTry = attempt
            connect(to: (proxy.host, proxy.port), for: server, showsCredentials: attempt.showsCredentials)
        case .refused(let rest):
            isDialing = false
            failed(nil, ProxyError(message: rest.sentence), wasTried: false, resting: rest)
        case .busy(let ending):
            ending.assumeIsolated().whenSuccess { ending in
                self.isDialing = false
                guard !self.isStopped else { return }
                // What is known of one server says nothing of another.
                guard ending.server == server.normalized, let failure = ending.failure else { return self.dial() }
                self.failed(nil, ProxyError(message: failure), wasTried: false)
            }
        }
    }

    /// Finds the addresses of the server or of a proxy, and connects to one of them. Both together may take `timeout`.
    private func connect(to next: (host: String, port: Int), for to: HostPort, showsCredentials: Bool) {
        dials.add()
        let place = HostPort(host: next.host, port: next.port)
        let deadline = NIODeadline.now() + TimeAmount(configuration.timeout)
        finder.find(place, until: deadline) { [weak self] found in
            guard let self else { return }
            switch found {
            case .success(let addresses):
                connect(to: addresses, at: place, for: to, showsCredentials: showsCredentials, until: deadline)
            case .failure(let error):
                isDialing = false
                failed(nil, error)
            }
        }
    }

    private func connect(
        to addresses: [SocketAddress], at place: HostPort, for to: HostPort, showsCredentials: Bool, until deadline: NIODeadline
    ) {
        guard !isStopped else { return }
        let made = NIOLoopBoundBox<[ObjectIdentifier: Outbound]>([:], eventLoop: shard.loop)
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        ClientBootstrap.tunnel(on: shard.loop, timeout: max(deadline - .now(), .milliseconds(1)))
            .resolver(KnownAddresses(addresses: addresses, loop: shard.loop))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Several addresses may be tried at once; the last to be made here isn't always the one that connects.
                    made.value[ObjectIdentifier(channel)] = try this.value.prepare(
                        channel, to: to, showsCredentials: showsCredentials, until: deadline)
                }
            }
            .connect(host: place.host, port: place.port)
            .assumeIsolated()
            .whenComplete { result in
                self.isDialing = false
                switch result {
                case .success(let channel):
                    self.finder.connected(channel.remoteAddress, of: addresses, at: place)
                    self.connected(channel, made.value[ObjectIdentifier(channel)])
                case .failure(let error):
                    self.finder.failed(at: place)
                    self.failed(nil, error)
                }
            }
    }

    private func prepare(
        _ channel: any Channel, to: HostPort, showsCredentials: Bool, until deadline: NIODeadline
    ) throws -> Outbound {
        let connection = Outbound(channel: channel, host: to.host)
        connection.hasCongestionControl = configuration.congestionControl != nil
        if case .proxy(let proxy) = routes[route] {
            let handler = ProxyConnectHandler(
                proxy: proxy, server: to, showsCredentials: showsCredentials, until: deadline, shard: shard,
                onOpen: { [weak self, weak connection] in if let connection { self?.opened(connection, by: proxy) } },
                onFailure: { [weak connection] in connection?.failure = $0 })
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        try client?.configure(connection)
        tune(channel)
        return connection
    }

    /// A tunnel that sends as the system would have it is better than none.
    private func tune(_ channel: any Channel) {
        configuration.congestionControl?.apply(to: channel).assumeIsolated().whenFailure { [shard] error in
            shard.logger.warning("\(error)", metadata: ["server": "\(self.place)"])
        }
    }

    private func connected(_ channel: any Channel, _ connection: Outbound?) {
        guard let connection, !isStopped else {
            channel.close(promise: nil)
            return failed(nil, ChannelError.ioOnClosedChannel)
        }
        self.connection = connection
        connection.onEstablished = { [weak self] in self?.established() }
        connection.onRetired = { [weak self, weak connection] in if let connection { self?.retired(connection) } }
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed(connection) }
        // Behind a proxy it is ready when that has opened the way.
        if case .direct = routes[route] { client?.ready(connection) }
    }

    /// A proxy has opened the way.
    private func opened(_ connection: Outbound, by proxy: ProxyAddress) {
        proxyTry?.opened()
        proxyTry = nil
        openedBy = proxy
        client?.ready(connection)
    }

    private func established() {
        guard !isUp else { return }
        isUp = true
        beginRound(at: route)
        if wasUp { reconnects.add() }
        wasUp = true
        up.add(1)
        backoff.reset()
        patientBackoff.reset()
        presence?.connected()
        shard.logger.notice(
            "tunnel is up",
            metadata: [
                "server": "\(place)", "identity": "\(connection?.identity?.description ?? "-")",
                "via": "\(routes[route].text)",
            ])
    }

    /// The server takes nothing new on this connection: another is opened while it finishes.
    private func retired(_ connection: Outbound) {
        guard connection === self.connection else { return }
        self.connection = nil
        down(connection.failure)
        redial()
    }

    private func closed(_ connection: Outbound) {
        guard connection === self.connection else { return }
        self.connection = nil
        if let openedBy { tries.lost(openedBy) }
        openedBy = nil
        failed(connection, connection.failure ?? ChannelError.eof)
    }

    /// The connection was lost, or one of the ways doesn't lead to the server.
    ///
    /// - Parameters:
    ///   - wasTried: Whether that was found out here, by an attempt.
    ///   - rest: Because of what, and how long, the way is known to lead nowhere.
    private func failed(
        _ connection: Outbound?, _ error: any Error, wasTried: Bool = true, resting rest: ProxyStandings.Rest? = nil
    ) {
        guard !isStopped else { return }
        let cause = connection?.failure ?? error
        if isUp {
            client?.lost(connection, because: cause)
            down(cause)
            return redial()
        }
        if wasTried { failures.add() }
        note(cause, rest)
        if connection?.isMismatch == true { isMismatch = true }
        if route + 1 < routes.count {
            client?.lost(connection, because: cause)
            // The next way at once: waiting comes when all have been tried.
            route += 1
            return dial()
        }
        let reason = StageError(.unavailable, faults.joined(separator: "; "))
        // Nothing that is known to be of no use before some time is tried before that.
        allRest = rests.count == routes.count ? rests.min { $0.until < $1.until } : nil
        down(reason)
        client?.lost(connection, because: cause)
        if let presence, isHopeless(for: TimeAmount(presence.patience)) { presence.enter(.failed(reason.message)) }
        redial()
    }

    /// Remembers why a way didn't lead to the server, and how long it won't.
    private func note(_ cause: any Error, _ known: ProxyStandings.Rest?) {
        var rest = known
        var fault = explain(cause)
        if let attempt = proxyTry {
            proxyTry = nil
            if let refusal = (cause as? ProxyError)?.refusal {
                rest = attempt.refused(refusal)
                fault = rest?.sentence ?? fault
            } else {
                attempt.failed(fault)
            }
        }
        if let rest { rests.append(rest) }
        isLasting = (faults.isEmpty || isLasting) && (cause as? StageError)?.code == .configuration
        faults.append(fault)
    }

    /// Why the current way didn't lead to the server.
    private func explain(_ error: any Error) -> String {
        if let error = error as? ProxyError { return error.message }
        let text = ConnectionFailure.words(for: error)
        return switch routes[route] {
        case .direct: routes.count == 1 ? text : "directly: \(text)"
        case .proxy(let proxy): "through the proxy \(proxy.text): \(text)"
        }
    }

    private func down(_ error: (any Error)?) {
        let text = error.map { ConnectionFailure.words(for: $0) } ?? "the connection was lost"
        if isUp { downSince = WallTime.seconds }
        if isUp {
            losses.add()
            up.add(-1)
        }
        if isUp || text != reason {
            shard.logger.warning(
                "tunnel is down", metadata: ["server": "\(place)", "reason": "\(text)"])
        }
        let hadBeenUp = isUp
        isUp = false
        reason = text
        if hadBeenUp { presence?.disconnected() }
    }
}

@available(*, unavailable)
extension Dialer: Sendable {}

extension ProxyStandings.Rest {
    /// Why, and when it is tried again.
    fileprivate var sentence: String { "\(refusal.reason); it isn't asked again before \(Timestamp.utc(time))" }
}
