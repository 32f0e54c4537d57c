import DequeModule
import NIOCore
import NIOPosix
import NIOSSL
import Pipeline

/// Where a request goes: what connections are pooled by.
struct Origin: Hashable {
    var isSecure: Bool
    var host: String
    var port: Int
}

/// One loop's upstream client: finds or opens a connection for each exchange.
final class FetchPort: ExchangePort {
    /// Exchanges that may wait for a connection to one origin.
    private static let waitingLimit = 1_024

    let configuration: FetchConfiguration
    let shard: Shard
    let scratches = ScratchBuffers()
    private let tls: NIOSSLContext
    private let meter: FetchMeter
    private var pools: [Origin: OriginPool] = [:]

    // A class: changing a struct in a dictionary allocates.
    private final class OriginPool {
        /// The one used last is used first, so that the others can time out.
        var idle: [UpstreamHandler] = []
        var open = 0
        var waiting = Deque<Exchange>()

        var isUnused: Bool { open == 0 && waiting.isEmpty }
    }

    init(configuration: FetchConfiguration, tls: NIOSSLContext, shard: Shard) {
        self.configuration = configuration
        self.tls = tls
        self.shard = shard
        self.meter = FetchMeter(on: shard)
        shard.metrics.beforeReading { [weak self, meter] in
            let pools = self?.pools.values
            meter.open.value = Int64(pools?.reduce(0) { $0 + $1.open } ?? 0)
            meter.idle.value = Int64(pools?.reduce(0) { $0 + $1.idle.count } ?? 0)
            meter.waiting.value = Int64(pools?.reduce(0) { $0 + $1.waiting.count } ?? 0)
        }
    }

    func open(_ exchange: Exchange) {
        guard let authority = Authority(exchange.request.authority) else {
            return exchange.abortResponse(Failure(.badRequest, "'\(exchange.request.authority)' is no host"))
        }
        if exchange.request.kind == .tunnel {
            guard let port = authority.port else {
                return exchange.abortResponse(Failure(.badRequest, "CONNECT wants a port"))
            }
            return connect(exchange, Origin(isSecure: false, host: authority.host, port: port), isTunnel: true)
        }
        let scheme = exchange.request.scheme
        let origin = Origin(
            isSecure: scheme == .https, host: authority.host.lowercased(), port: authority.port ?? scheme.defaultPort)
        request(exchange, origin)
    }

    // MARK: - Pool

    private func request(_ exchange: Exchange, _ origin: Origin) {
        let pool = pool(origin)
        if let handler = idleHandler(for: exchange, in: pool) {
            meter.reused.add()
            return handler.begin(exchange, isReused: true)
        }
        guard pool.open < configuration.connectionsPerOrigin else {
            guard pool.waiting.count < Self.waitingLimit else {
                return exchange.abortResponse(Failure(.excessive, "too many requests wait for \(origin.host)"))
            }
            return pool.waiting.append(exchange)
        }
        pool.open += 1
        connect(exchange, origin, isTunnel: false)
    }

    /// The connection used last whose address the exchange may go to.
    private func idleHandler(for exchange: Exchange, in pool: OriginPool) -> UpstreamHandler? {
        guard !exchange.addressChecks.isEmpty else { return pool.idle.popLast() }
        return pool.idle.lastIndex { $0.mayServe(exchange) }.map { pool.idle.remove(at: $0) }
    }

    private func pool(_ origin: Origin) -> OriginPool {
        if let pool = pools[origin] { return pool }
        let pool = OriginPool()
        pools[origin] = pool
        return pool
    }

    /// An exchange is over, and its connection can serve another.
    func recycle(_ handler: UpstreamHandler, _ origin: Origin) -> Bool {
        guard let pool = pools[origin] else { return false }
        while let next = pool.waiting.popFirst() {
            guard !next.hasEnded else { continue }
            guard handler.mayServe(next) else {
                // It goes first when this connection is closed, and gets one of its own.
                pool.waiting.prepend(next)
                return false
            }
            meter.reused.add()
            handler.begin(next, isReused: true)
            return true
        }
        guard configuration.idle > .zero else { return false }
        pool.idle.append(handler)
        return true
    }

    /// A pooled connection has ended, or could not be opened.
    func closed(_ handler: UpstreamHandler?, _ origin: Origin) {
        guard let pool = pools[origin] else { return }
        pool.open -= 1
        if let handler { pool.idle.removeAll { $0 === handler } }
        while let next = pool.waiting.popFirst() {
            if !next.hasEnded { return request(next, origin) }
        }
        if pool.isUnused { pools[origin] = nil }
    }

    /// A pooled connection turned out to be closed before anything of the request was answered: once more, on a new one.
    func retry(_ exchange: Exchange, _ origin: Origin) {
        meter.retries.add()
        pool(origin).open += 1
        connect(exchange, origin, isTunnel: false)
    }

    // MARK: - Dialling

    private func connect(_ exchange: Exchange, _ origin: Origin, isTunnel: Bool) {
        let began = NIODeadline.now()
        AddressResolver.resolve(origin.host, port: origin.port, on: shard.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let addresses):
                let allowed = addresses.filter {
                    self.configuration.destinations.allow($0) && !self.shard.telemetry.reserved.contains($0)
                }
                guard let first = allowed.first else {
                    return self.failed(
                        exchange, origin, isTunnel,
                        Failure(.forbidden, "connections to the address of '\(origin.host)' are not allowed here"))
                }
                let open = exchange.addressChecks.isEmpty ? allowed : allowed.filter { exchange.refusal(of: $0) == nil }
                if open.isEmpty, let refusal = exchange.refusal(of: first) {
                    return self.failed(exchange, origin, isTunnel, refusal)
                }
                let left = began + TimeAmount(self.configuration.connectTimeout) - .now()
                self.dial(exchange, origin, isTunnel, open, within: max(left, .milliseconds(1)))
            case .failure(let error):
                let reason = (error as? AddressResolver.NotFound)?.reason ?? "\(error)"
                self.failed(
                    exchange, origin, isTunnel,
                    Failure(.nameNotResolved, "the name '\(origin.host)' can't be resolved: \(reason)"))
            }
        }
    }

    private func dial(
        _ exchange: Exchange, _ origin: Origin, _ isTunnel: Bool, _ addresses: [SocketAddress], within time: TimeAmount
    ) {
        guard !exchange.hasEnded else { return abandoned(origin, isTunnel) }
        meter.dials.add()
        let handlers = NIOLoopBoundBox<[ObjectIdentifier: UpstreamHandler]>([:], eventLoop: shard.loop)
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        let bootstrap = ClientBootstrap(group: shard.loop)
            .connectTimeout(time)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.allowRemoteHalfClosure, value: true)
            // Both are given on before anybody can say that it is too much.
            .channelOption(.maxMessagesPerRead, value: 2)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Happy Eyeballs may open several, of which one is taken.
                    let handler = UpstreamHandler(port: this.value, origin: origin, isPooled: !isTunnel)
                    handlers.value[ObjectIdentifier(channel)] = handler
                    let pipeline = channel.pipeline.syncOperations
                    if origin.isSecure { try pipeline.addHandler(this.value.secure(origin)) }
                    try pipeline.addHandler(handler)
                }
            }
        let connected =
            addresses.count == 1
            ? bootstrap.connect(to: addresses[0])
            : bootstrap.resolver(KnownAddresses(addresses: addresses, loop: shard.loop))
                .connect(host: origin.host, port: origin.port)
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel):
                guard let handler = handlers.value[ObjectIdentifier(channel)] else { return }
                handler.connected()
                if exchange.hasEnded { return handler.finishUnused() }
                handler.begin(exchange, isReused: false)
            case .failure(let error):
                self.failed(exchange, origin, isTunnel, UpstreamFailure.connecting(to: origin, error))
            }
        }
    }

    private func secure(_ origin: Origin) throws -> NIOSSLClientHandler {
        // An address is no server name; the library then wants it among the certificate's addresses.
        let isAddress = (try? SocketAddress(ipAddress: origin.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : origin.host)
    }

    private func failed(_ exchange: Exchange, _ origin: Origin, _ isTunnel: Bool, _ failure: Failure) {
        abandoned(origin, isTunnel)
        meter.failed(failure)
        exchange.abortResponse(failure)
        exchange.flushResponse()
    }

    private func abandoned(_ origin: Origin, _ isTunnel: Bool) {
        if !isTunnel { closed(nil, origin) }
    }
}

@available(*, unavailable)
extension FetchPort: Sendable {}
