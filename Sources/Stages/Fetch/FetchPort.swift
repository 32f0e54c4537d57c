import NIOCore
import NIOPosix
import NIOSSL
import Pipeline

/// One loop's upstream client: finds or opens a connection for each exchange.
final class FetchPort: ExchangePort {
    typealias Pool = OriginPool<UpstreamHandler>

    /// Exchanges that may wait for a connection to one origin.
    private static let waitingLimit = 1_024

    let configuration: FetchConfiguration
    let shard: Shard
    let scratches = ScratchBuffers()
    let tls: NIOSSLContext
    let meter: FetchMeter
    /// Whatever one connection needs and another doesn't is set when it is there: a bootstrap is expensive to make.
    private(set) lazy var bootstrap = ClientBootstrap(group: shard.loop)
    private var pools: [Origin: Pool] = [:]
    /// Idle connections of all pools, and how many there may be.
    private var idle = 0
    private let idleLimit: Int
    /// Nothing is kept any more: this generation of the pipeline ends.
    private var isOver = false

    init(configuration: FetchConfiguration, tls: NIOSSLContext, shard: Shard) {
        self.configuration = configuration
        self.tls = tls
        self.shard = shard
        self.meter = FetchMeter(on: shard)
        idleLimit = configuration.idleConnections(on: shard)
        shard.metrics.beforeReading { [weak self, meter] in
            let pools = self?.pools.values
            meter.open.value = Int64(pools?.reduce(0) { $0 + $1.open } ?? 0)
            meter.idle.value = Int64(self?.idle ?? 0)
            meter.waiting.value = Int64(pools?.reduce(0) { $0 + $1.waiting } ?? 0)
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
        if let handler = pool.takeIdle(for: exchange) {
            idle -= 1
            meter.reused.add()
            return handler.begin(exchange, isReused: true)
        }
        guard pool.open < configuration.connectionsPerOrigin else {
            guard pool.waiting < Self.waitingLimit else {
                return exchange.abortResponse(Failure(.excessive, "too many requests wait for \(origin.host)"))
            }
            pool.wait(exchange)
            // One that the exchange may not use gives its place: its end lets the exchange go on.
            giveUpOldest(of: pool)
            return
        }
        pool.open += 1
        connect(exchange, origin, isTunnel: false)
    }

    private func pool(_ origin: Origin) -> Pool {
        if let pool = pools[origin] { return pool }
        let pool = Pool()
        pools[origin] = pool
        return pool
    }

    /// An exchange is over, and its connection can serve another. False when it isn't kept.
    func recycle(_ handler: UpstreamHandler, _ origin: Origin) -> Bool {
        guard let pool = pools[origin], handler.owner != .unknown else { return false }
        if let next = pool.takeWaiting(for: handler) {
            meter.reused.add()
            handler.begin(next, isReused: true)
            return true
        }
        // Whoever waits now may use none that are there, and gets one of his own when one of them ends.
        if pool.hasWaiting, !giveUpOldest(of: pool) { return false }
        guard configuration.idle > .zero, !isOver else { return false }
        if idle >= idleLimit, giveUp(1) == 0 { return false }
        idle += 1
        pool.keep(handler)
        return true
    }

    /// A pooled connection has ended, or could not be opened.
    func closed(_ handler: UpstreamHandler?, _ origin: Origin) {
        guard let pool = pools[origin] else { return }
        pool.open -= 1
        if let handler, pool.remove(handler) { idle -= 1 }
        if let next = pool.takeWaiting() { return request(next, origin) }
        if pool.isUnused { pools[origin] = nil }
    }

    /// A pooled connection turned out to be closed before anything of the request was answered: once more, on a new one.
    func retry(_ exchange: Exchange, _ origin: Origin) {
        meter.retries.add()
        pool(origin).open += 1
        connect(exchange, origin, isTunnel: false)
    }

    // MARK: - Giving up idle connections

    /// Closes the connections that are idle the longest, whatever they lead to.
    /// - Returns: How many were closed, `count` at the most.
    @discardableResult
    func giveUp(_ count: Int) -> Int {
        for given in 0..<count {
            // Each pool's first is its oldest. To look at all of them costs little beside a connection that is closed and another opened.
            let oldest = pools.values.min { $0.oldestEnds < $1.oldestEnds }
            guard let oldest, giveUpOldest(of: oldest) else { return given }
        }
        return count
    }

    /// From now on nothing is kept, and what is idle is closed.
    func end() {
        isOver = true
        while giveUp(idle) > 0 {}
    }

    @discardableResult
    private func giveUpOldest(of pool: Pool) -> Bool {
        guard let handler = pool.takeOldest() else { return false }
        idle -= 1
        meter.givenUp.add()
        handler.giveUp()
        return true
    }
}

@available(*, unavailable)
extension FetchPort: Sendable {}

extension OriginPool<UpstreamHandler> {
    /// When the connection that is idle the longest would be closed. All are kept equally long.
    fileprivate var oldestEnds: NIODeadline { idle.first?.deadline ?? .distantFuture }
}
