import HTTPMessages
import Instruments
import NIOCore
import NIOPosix
import NIOSSL
import Names
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
    let resolver: NameResolver
    let meter: FetchMeter
    /// Whatever one connection needs and another doesn't is set when it is there: a bootstrap is expensive to make.
    private(set) lazy var bootstrap = dialBeingMade.bootstrap(on: shard.loop)
    let dialBeingMade = DialBeingMade()
    /// The attempts for which there was no file descriptor.
    private(set) lazy var descriptorQueue = DescriptorQueue(
        shard: shard, resume: { [weak self] in self?.find($0) },
        refuse: { [weak self] in self?.failed($0, UpstreamFailure.noDescriptor(for: $0.origin)) },
        forget: { [weak self] in self?.abandoned($0) })
    private var pools: [Origin: Pool] = [:]
    private let idleBudget: IdleBudget
    /// Nothing is kept any more: this generation of the pipeline ends.
    private var isOver = false

    init(configuration: FetchConfiguration, tls: NIOSSLContext, idleBudget: IdleBudget, shard: Shard) {
        self.configuration = configuration
        self.tls = tls
        self.resolver = .asking(configuration.resolver.servers)
        self.shard = shard
        self.idleBudget = idleBudget
        self.meter = FetchMeter(on: shard)
        shard.metrics.beforeReading { [weak self, meter] in
            let pools = self?.pools.values
            meter.open.value = Int64(pools?.reduce(0) { $0 + $1.open } ?? 0)
            meter.idle.value = Int64(pools?.reduce(0) { $0 + $1.idle.count } ?? 0)
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

    /// Whether anybody waits for a connection to an origin.
    func isAwaited(_ origin: Origin) -> Bool { pools[origin]?.hasWaiting ?? false }

    private func request(_ exchange: Exchange, _ origin: Origin) {
        let pool = pool(origin)
        switch pool.place(for: exchange, of: configuration.connectionsPerOrigin) {
        case .idle(let handler):
            idleBudget.give()
            meter.reused.add()
            handler.begin(exchange, isReused: true)
        case .new: connect(exchange, origin, isTunnel: false)
        case .line:
            exchange.trace?.begin(.connection)
            line(of: pool, for: origin).append(exchange, for: TimeAmount(configuration.connectTimeout))
            makeWay(in: pool)
        }
    }

    private func pool(_ origin: Origin) -> Pool {
        if let pool = pools[origin] { return pool }
        let pool = Pool()
        pools[origin] = pool
        return pool
    }

    private func line(of pool: Pool, for origin: Origin) -> WaitingExchanges {
        if let line = pool.line { return line }
        let line = WaitingExchanges(on: shard, limit: Self.waitingLimit) { [weak self] exchange, refusal in
            self?.refuse(exchange, origin, refusal)
        }
        pool.line = line
        return line
    }

    private func refuse(_ exchange: Exchange, _ origin: Origin, _ refusal: WaitingExchanges.Refusal) {
        let failure: Failure =
            switch refusal {
            case .late:
                UpstreamFailure.noFreeConnection(
                    to: origin, of: configuration.connectionsPerOrigin, in: configuration.connectTimeout)
            case .crowded: Failure(.excessive, "too many requests wait for \(origin.host)")
            }
        meter.failed(failure)
        exchange.abortResponse(failure)
        exchange.flushResponse()
    }

    /// An exchange is over, and its connection waits for the next one if nobody waits for it. What the end of the response brings about,
    /// a client's next request, may use it then.
    func offer(_ handler: UpstreamHandler, _ origin: Origin) -> Bool {
        guard let pool = pools[origin], !pool.hasWaiting else { return false }
        return keep(handler, in: pool)
    }

    /// An exchange is over, and its connection can serve another. False when it isn't kept.
    func recycle(_ handler: UpstreamHandler, _ origin: Origin) -> Bool {
        guard let pool = pools[origin], handler.owner != .unknown else { return false }
        if let next = pool.takeWaiting(for: handler) {
            meter.reused.add()
            handler.begin(next, isReused: true)
            return true
        }
        guard keep(handler, in: pool) else { return false }
        makeWay(in: pool)
        return true
    }

    private func keep(_ handler: UpstreamHandler, in pool: Pool) -> Bool {
        guard handler.owner != .unknown, !isOver, handler.idleTime > .zero, pool.shows(courtesyTo: handler) else { return false }
        if !idleBudget.take() {
            guard giveUp(1) == 1, idleBudget.take() else { return false }
        }
        handler.becomeIdle()
        pool.keep(handler)
        return true
    }

    /// A pooled connection has ended, or could not be opened.
    func closed(_ handler: UpstreamHandler?, _ origin: Origin) {
        guard let pool = pools[origin] else { return }
        pool.open -= 1
        if let handler, pool.remove(handler) { idleBudget.give() }
        // Whoever goes on and fails at once comes here again, and the place is given to the next one below.
        guard pool.serving.begin() else { return }
        repeat {
            while pool.open < configuration.connectionsPerOrigin, let next = pool.takeWaiting() { request(next, origin) }
        } while pool.serving.goesOn()
        if pool.isUnused { pools[origin] = nil }
    }

    /// A pooled connection turned out to be closed before anything of the request was answered: once more, on a new one, which has its
    /// place.
    func retry(_ exchange: Exchange, _ origin: Origin) {
        meter.retries.add()
        connect(exchange, origin, isTunnel: false)
    }

    private func makeWay(in pool: Pool) {
        guard pool.hasWaiting else { return }
        switch pool.makeWay(at: .now()) {
        case .nothing: break
        case .giveUpOldest: giveUpOldest(of: pool)
        case .lookAgain(let time):
            shard.loop.assumeIsolated().scheduleTask(in: time) {
                pool.watched()
                self.makeWay(in: pool)
            }
        }
    }

    // MARK: - Giving up idle connections

    /// Closes the connections that are idle the longest, whatever they lead to.
    /// - Returns: How many were closed, `count` at the most.
    @discardableResult
    func giveUp(_ count: Int) -> Int {
        for given in 0..<count {
            // Each pool's first is its oldest. To look at all of them costs little beside a connection that is closed and another opened.
            let oldest = pools.values.min { $0.oldest < $1.oldest }
            guard let oldest, giveUpOldest(of: oldest) else { return given }
        }
        return count
    }

    /// From now on nothing is kept, and what is idle is closed.
    func end() {
        isOver = true
        for pool in Array(pools.values) {
            while giveUpOldest(of: pool) {}
        }
    }

    @discardableResult
    private func giveUpOldest(of pool: Pool) -> Bool {
        guard let handler = pool.takeOldest() else { return false }
        idleBudget.give()
        meter.givenUp.add()
        handler.discard()
        return true
    }
}

@available(*, unavailable)
extension FetchPort: Sendable {}

extension OriginPool<UpstreamHandler> {
    /// Since when the connection is idle that is idle the longest.
    fileprivate var oldest: NIODeadline { idle.first?.idleSince ?? .distantFuture }
}
