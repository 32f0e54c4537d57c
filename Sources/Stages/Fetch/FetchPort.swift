import DequeModule
import NIOCore
import NIOPosix
import NIOSSL
import Pipeline

/// One loop's upstream client: finds or opens a connection for each exchange.
final class FetchPort: ExchangePort {
    /// Exchanges that may wait for a connection to one origin.
    private static let waitingLimit = 1_024

    let configuration: FetchConfiguration
    let shard: Shard
    let scratches = ScratchBuffers()
    let tls: NIOSSLContext
    let meter: FetchMeter
    /// Whatever one connection needs and another doesn't is set when it is there: a bootstrap is expensive to make.
    private(set) lazy var bootstrap = ClientBootstrap(group: shard.loop)
    private var pools: [Origin: OriginPool] = [:]

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
        if let handler = pool.takeIdle(for: exchange) {
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
}

@available(*, unavailable)
extension FetchPort: Sendable {}
