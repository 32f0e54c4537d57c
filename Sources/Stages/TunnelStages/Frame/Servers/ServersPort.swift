import HTTPMessages
import NIOCore
import Pipeline
import Platform

/// Gives each exchange to one of several servers, each of which has a whole end of the codec. What one gives back of which it began nothing
/// goes to the next. Confined to its loop.
final class ServersPort: ExchangePort {
    /// How many may wait while no server is up.
    private static let limit = 1_024
    /// How long each has to come up before the next is dialled too.
    private static let step = TimeAmount.milliseconds(500)
    /// How often it is looked whether a connection is needed no longer.
    private static let look = TimeAmount.seconds(1)

    private struct Server {
        var port: any OutboundPort
        var client: any TunnelClient
    }

    private let servers: [Server]
    private let shard: Shard
    private var choice: ServerChoice
    private let waiting: WaitingExchanges
    /// The next that is dialled, while one is sought.
    private var next: Int?
    private var isLooking = false

    /// - Parameter make: The codec's end for a port; what it counts is told apart by the server.
    init(
        _ first: any OutboundPort, _ others: ServerAlternatives, on shard: Shard, make: (any OutboundPort) -> any TunnelClient
    ) {
        let ports = [first] + others.ports
        self.shard = shard
        choice = ServerChoice(others.policy, count: ports.count)
        servers = zip(ports, others.names).map { port, name in
            shard.counting(apart: .init("server", name)) { Server(port: port, client: make(port)) }
        }
        waiting = WaitingExchanges(on: shard, limit: Self.limit) { exchange, _ in Self.refuse(exchange, ports) }
        for (index, server) in servers.enumerated() {
            server.port.observe { [weak self] in self?.changed(index) }
            for queue in server.client.queues {
                queue.elsewhere = { [weak self] exchange in self?.take(exchange, from: index) ?? false }
            }
            server.port.attach(server.client)
        }
    }

    var offers: BodyCapabilities {
        let up = servers.indices.filter { choice.isUp($0) }.map { servers[$0].client.offers }
        guard let first = up.first else { return .undecided }
        return up.dropFirst().reduce(first) { $0.intersection($1) }
    }

    func open(_ exchange: Exchange) {
        if let server = choice.choose(loads, at: .now()) { return servers[server].client.open(exchange) }
        seek()
        let patience = servers.map(\.port.patience).max() ?? .zero
        guard patience > .zero else { return Self.refuse(exchange, servers.map(\.port)) }
        exchange.trace?.begin(.tunnel)
        waiting.append(exchange, for: patience)
    }

    private var loads: LazyMapSequence<[Server], Int> { servers.lazy.map { $0.client.openStreams } }

    /// What a server can't take goes to another, unless it is up: then it takes it as soon as it can.
    private func take(_ exchange: Exchange, from server: Int) -> Bool {
        note(server)
        guard !choice.isUp(server) else { return false }
        open(exchange)
        return true
    }

    // MARK: - What becomes of servers

    private func changed(_ server: Int) {
        note(server)
        if choice.isUp(server) {
            next = nil
            waiting.release { exchange in
                guard let server = choice.choose(loads, at: .now()) else { return false }
                servers[server].client.open(exchange)
                return true
            }
            lookLater()
        } else {
            for queue in servers[server].client.queues { queue.giveUp { open($0) } }
            if !choice.isAnyUp { seek() }
            lookLater()
        }
    }

    private func note(_ server: Int) {
        let isUp = if case .up = servers[server].port.status { true } else { false }
        _ = choice.note(server, isUp: isUp, at: .now())
    }

    /// Has one server after the other dialled, until one is up.
    private func seek() {
        servers[0].port.hasten()
        guard next == nil else { return }
        next = 1
        goOn()
    }

    private func goOn() {
        guard let next, !choice.isAnyUp else {
            self.next = nil
            return
        }
        guard next < servers.count else {
            self.next = nil
            return
        }
        // One that is known to be of no use isn't waited for.
        let isDown = servers[next - 1].port.patience <= .zero
        shard.loop.assumeIsolated().scheduleTask(in: isDown ? .nanoseconds(0) : Self.step) { [weak self] in
            guard let self, self.next == next, !choice.isAnyUp else { return }
            servers[next].port.hasten()
            self.next = next + 1
            goOn()
        }
    }

    private func lookLater() {
        let hasToLook = servers.indices.contains { ($0 > 0 && choice.isUp($0)) || servers[$0].port.standing == .leaving }
        guard !isLooking, hasToLook else { return }
        isLooking = true
        shard.loop.assumeIsolated().scheduleTask(in: Self.look) { [weak self] in
            guard let self else { return }
            isLooking = false
            for server in choice.unneeded(loads, at: .now()) {
                _ = choice.note(server, isUp: false, at: .now())
                servers[server].port.rest()
            }
            for server in servers where server.port.standing == .leaving && server.client.openStreams == 0 { server.port.rest() }
            lookLater()
        }
    }

    private static func refuse(_ exchange: Exchange, _ ports: [any OutboundPort]) {
        exchange.trace?.waitedInVain(for: ports.map(\.lastDial))
        let reasons = ports.compactMap { port -> String? in
            guard port.standing != .absent, case .down(let since, let to, let reason) = port.status else { return nil }
            return "the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)"
        }
        exchange.answer(Failure(.tunnelDown, reasons.joined(separator: "; ")).response(for: exchange.request))
    }
}

@available(*, unavailable)
extension ServersPort: Sendable {}
