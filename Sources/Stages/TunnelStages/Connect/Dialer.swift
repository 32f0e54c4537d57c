import Logging
import NIOCore
import Pipeline
import Platform

/// Keeps one connection to the server open on one loop: does what a `DialState` says.
final class Dialer: OutboundPort {
    private static let farewell = TimeAmount.milliseconds(250)
    private static let leaving = "the name no longer stands for its address"

    let configuration: ConnectConfiguration
    private let presence: ServerPresence?
    private let server: DialledServer
    private var routes: [Route]
    let shard: Shard
    private let connector: Connector
    private let extra: ExtraConnections
    private var state: DialState
    private var record: DialRecord
    private var client: (any OutboundClient)?
    private var connection: Outbound?
    private var retry: Scheduled<Void>?
    private let proxies: ProxyTools
    /// What the scripts in `via` have just said.
    private var scriptAnswers: [ProxyScriptPlace: ProxyScripts.Outcome]?
    private var isAskingScripts = false
    /// Those beside this one, which are made while the plan is assembled.
    var siblings: SiblingDialers?
    /// It opens its connection only when it is wanted beside another dialer's.
    var isSibling = false
    /// It keeps a connection open.
    private(set) var isSought = false
    /// Whether the log has that the server isn't at the address that it gave, since it was last up.
    private var isDetourTold = false
    /// At which address the server's usual place was reached last without a proxy.
    private var reached: IPAddress?
    private var changed: (() -> Void)?
    /// Those that lead to other servers, while the plan is assembled.
    var others: ServerAlternatives?

    init(
        configuration: ConnectConfiguration, to server: ServerAddress? = nil, share: NameShare? = nil, routes: [Route],
        presence: ServerPresence?, shard: Shard, proxies: ProxyTools, tunnel: TunnelRecord = TunnelRecord()
    ) {
        self.configuration = configuration
        self.routes = routes
        self.proxies = proxies
        self.presence = presence
        self.server = DialledServer(to: server ?? configuration.to, presence: presence, share: share)
        self.shard = shard
        state = DialState(
            patience: TimeAmount(configuration.wait), retryInterval: presence.map { TimeAmount($0.retryInterval) })
        record = DialRecord(shard, tunnel)
        connector = Connector(configuration: configuration, shard: shard, proxies: proxies, dials: record.dials)
        extra = ExtraConnections(configuration: configuration, shard: shard, proxies: proxies, dials: record.dials)
        extra.onRoom = { [weak self] in self?.client?.roomFreed() }
        share?.name.observe(share?.index ?? 0) { [weak self] in self?.shareChanged(hasToDial: $0) }
    }

    /// What people call the server.
    var serverName: String { server.name }

    var lastDial: DialSteps { connector.steps }

    var standing: OutboundStanding { server.share?.standing ?? .usual }

    /// None where all ways rest for longer than that, or because of a refusal that mostly takes a change of something to mend.
    var patience: TimeAmount {
        let wait = TimeAmount(configuration.wait)
        return state.isHopeless(for: wait, at: .now()) ? .zero : wait
    }

    var status: OutboundStatus {
        let status = record.status(of: server.name)
        guard case .up = status, standing == .leaving else { return status }
        return .down(since: WallTime.seconds, to: server.name, because: Self.leaving)
    }

    func attach(_ client: any OutboundClient) { self.client = client }

    func observe(_ changed: @escaping () -> Void) { self.changed = changed }

    func rest() {
        let isLeaving = standing == .leaving
        guard isSibling || isLeaving, let connection, state.unneeded() else { return }
        self.connection = nil
        isSought = isSought && isLeaving
        record.rested(because: isLeaving ? Self.leaving : "another server is used")
        leave(connection.channel)
        connection.channel.closeFuture.assumeIsolated().whenComplete { _ in self.client?.lost(connection, because: nil) }
        guard isLeaving, !isSibling else { return }
        siblings?.rest()
        leaveShare()
    }

    /// The connection that led to one of the addresses behind the server's name is no more.
    private func leaveShare() {
        if let share = server.share, !isSibling { share.name.went(share.index) }
    }

    private func shareChanged(hasToDial: Bool) {
        if hasToDial, isSought, state.heardOfServer() { dial() }
        changed?()
    }

    func start() {
        isSought = true
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        presence?.observe(on: shard.loop) { this.value.presenceChanged() }
        server.share?.name.start()
        dial()
    }

    /// By the way that leads to the server, as long as one does.
    func openAnother() {
        guard state.isUp, let to = server.address, let client else { return }
        extra.add(
            to: .init(
                way: routes[state.way], server: to, certificateName: server.to.certificateName, isExtra: true,
                aim: server.aim(isSibling: true)), for: client)
    }

    func stop() -> EventLoopFuture<Void> {
        state.stop()
        retry?.cancel()
        server.share?.name.stop()
        connector.stop()
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

    // MARK: - When

    private func presenceChanged() {
        if server.isWorthDialing, state.heardOfServer() { dial() }
    }

    func hasten() {
        guard isSought || !isSibling else { return start() }
        // A session may need it that has lost its connection: what waits for its first has asked already.
        if !server.isWorthDialing { presence?.want() }
        if let wait = state.want(isWorthDialing: server.isWorthDialing, at: .now()) { redial(in: wait) }
    }

    private func redial(in wait: TimeAmount) {
        retry?.cancel()
        retry = shard.loop.assumeIsolated().scheduleTask(in: wait) { self.dial() }
    }

    // MARK: - One attempt

    private func dial() {
        retry?.cancel()
        let aim = server.aim(isSibling: isSibling)
        let to = server.isWorthDialing && aim != .nowhere ? server.address : nil
        if state.isResting { connector.beginRound() }
        if state.isResting, let to, !configuration.via.scripts.isEmpty {
            guard askScripts(about: to) else { return }
        }
        // Where a server is found out only now, so is the way that the environment names for it.
        if configuration.to == .discover, state.isResting, let to, let found = try? configuration.routes(to: to, in: .process) {
            routes = found
        }
        guard let client else { return }
        let detour = state.isResting ? client.detour.flatMap { found(itself: $0, beside: to) } : nil
        guard let index = state.dial(ways: to.map { _ in routes.count }, detour: detour?.way, at: .now()), let to else { return }
        let way = routes[index]
        let target = Connector.Target(
            way: way, server: to, detour: detour?.place, certificateName: server.to.certificateName, aim: aim)
        connector.connect(target, for: client) { outcome in
            switch outcome {
            case .connected(let connection): self.connected(connection, by: way)
            case .failed(let error): self.failed(nil, error)
            case .refused(let error, let rest): self.failed(nil, error, wasTried: false, resting: rest)
            case .again: self.dial()
            }
        }
    }

    /// Where a name's addresses are servers of their own, each is dialled at its own address anyway; and so it is where that is the only place to
    /// which the usual one leads.
    private func found(itself place: HostPort, beside usual: HostPort?) -> Detour? {
        guard server.share == nil, usual.map({ connector.leadsOnly(to: place, from: $0) }) != true else { return nil }
        return Detour(to: place, after: reached, by: routes, reserved: shard.telemetry.reserved)
    }

    /// Before each round: what they say may have changed, and is remembered for a while where it is asked.
    ///
    /// - Returns: Whether it is known now. Otherwise `dial` is called when it is.
    private func askScripts(about server: HostPort) -> Bool {
        if let answers = scriptAnswers {
            scriptAnswers = nil
            if let found = try? configuration.routes(to: server, in: .process, scripts: answers) { routes = found }
            return true
        }
        guard !isAskingScripts else { return false }
        isAskingScripts = true
        proxies.scripts.find(configuration.via.scripts, for: server, on: shard.loop) { answers in
            self.isAskingScripts = false
            self.scriptAnswers = answers
            self.dial()
        }
        return false
    }

    private func connected(_ connection: Outbound, by way: Route) {
        guard state.connected() else { return connection.channel.close(promise: nil) }
        self.connection = connection
        if connection.isEncrypted { connector.steps.begin(.handshake) }
        connection.onEstablished = { [weak self] in self?.established() }
        connection.onRetired = { [weak self, weak connection] in if let connection { self?.retired(connection) } }
        connection.channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed(connection, by: way) }
    }

    private func established() {
        guard state.established() else { return }
        isDetourTold = false
        connector.steps.end(.handshake, at: connection?.provedAt ?? .now())
        if let connection, !connection.isDetour, let address = connection.channel.remoteAddress.flatMap({ IPAddress($0) }) {
            // A server's word about itself counts where it has proved who it is, and no proxy was needed.
            if case .direct = routes[state.way], connection.provedAt != nil { reached = address } else { reached = nil }
            if let share = server.share, !isSibling { share.name.came(share.index, at: address) }
        }
        record.established(connection, to: server.name, by: routes[state.way])
        presence?.connected()
        changed?()
    }

    // MARK: - Its end

    private func retired(_ connection: Outbound) {
        guard connection === self.connection else { return }
        self.connection = nil
        let wasUp = state.isUp
        var generator = SystemRandomNumberGenerator()
        guard let wait = state.retired(at: .now(), using: &generator) else { return }
        redial(in: wait)
        down(connection.failure, wasUp: wasUp)
    }

    private func closed(_ connection: Outbound, by way: Route) {
        guard connection === self.connection else { return }
        self.connection = nil
        connector.lost(by: way)
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
        let cause = connection?.failure ?? error
        if let connection {
            let hasProved = connection.provedAt != nil
            connector.steps.end(
                .handshake, hasProved ? nil : ConnectionFailure.words(for: cause), at: connection.provedAt ?? .now())
        }
        let sentence = explain(cause)
        let rest = rest ?? connector.gaveUp(because: cause, saying: sentence)
        let fault = DialState.Fault(
            sentence: rest?.sentence ?? sentence, rest: rest, isLasting: (cause as? StageError)?.code == .configuration,
            isMismatch: connection?.isMismatch == true,
            hasOtherAddress: connection != nil && !state.isUp && !state.isDetour && isDirect && hasOtherAddress())
        let wasDetour = state.isDetour
        if wasDetour, !isDetourTold {
            isDetourTold = true
            shard.logger.info(
                "the server isn't reached at the address that it gave for itself: its usual place is tried",
                metadata: ["server": "\(server.name)", "reason": "\(sentence)"])
        }
        var generator = SystemRandomNumberGenerator()
        switch state.failed(fault, at: .now(), using: &generator) {
        case .nothing: break
        case .redial(let wait):
            redial(in: wait)
            client?.lost(connection, because: cause)
            down(cause, wasUp: true)
        case .tryNext:
            if wasTried, !wasDetour { record.failed() }
            client?.lost(connection, because: cause)
            dial()
        case .rest(let wait, let reason):
            if wasTried { record.failed() }
            redial(in: wait)
            down(StageError(.unavailable, reason), wasUp: false)
            client?.lost(connection, because: cause)
            if let presence, state.isHopeless(for: TimeAmount(presence.patience), at: .now()) { presence.enter(.failed(reason)) }
        }
    }

    private var isDirect: Bool { routes.indices.contains(state.way) && routes[state.way] == .direct }

    /// A connection was made and was of no use: whether another of the server's addresses may do better.
    private func hasOtherAddress() -> Bool { server.address.map { connector.wasOfNoUse(at: $0) } ?? false }

    /// Why the current way didn't lead to the server.
    private func explain(_ error: any Error) -> String {
        if let error = error as? ProxyError { return error.message }
        let text = ConnectionFailure.words(for: error)
        return switch routes[state.way] {
        case .direct: routes.count == 1 ? text : "directly: \(text)"
        case .nowhere: text
        case .proxy(let proxy): "through the proxy \(proxy.text): \(text)"
        }
    }

    private func down(_ error: (any Error)?, wasUp: Bool) {
        record.down(error, at: server.name)
        if wasUp { presence?.disconnected() }
        if wasUp { leaveShare() }
        changed?()
    }
}

@available(*, unavailable)
extension Dialer: Sendable {}
