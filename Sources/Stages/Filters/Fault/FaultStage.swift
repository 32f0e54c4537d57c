import HTTPMessages
import Instruments
import Logging
import NIOCore
public import Pipeline

/// Makes the stage `fault`, and says what it is.
public struct FaultFactory: StageFactory {
    public static let name = "fault"
    public static let summary = "Disturbs exchanges by chance, to see how the rest bears it: late, refused, cut, slow, corrupt."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func make(_ configuration: FaultConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        FaultStage(configuration: configuration)
    }
}

/// Draws for each exchange what happens to it.
struct FaultStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    let configuration: FaultConfiguration

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        FaultPort(configuration: configuration, next: downstream, shard: shard)
    }
}

final class FaultPort: ExchangePort {
    enum Kind: String, CaseIterable {
        case latency
        case abort
        case truncate
        case throttle
        case corrupt
    }

    let next: any ExchangePort
    var draw: FaultDraw
    private let configuration: FaultConfiguration
    private let shard: Shard
    private let injected: [Kind: Counter]

    init(configuration: FaultConfiguration, next: any ExchangePort, shard: Shard) {
        self.configuration = configuration
        self.next = next
        self.shard = shard
        draw = FaultDraw(seed: configuration.seed, loop: shard.index)
        let labels = shard.assembling?.labels ?? []
        injected = Dictionary(
            uniqueKeysWithValues: Kind.allCases.map { kind in
                let labels = labels + [.init("fault", kind.rawValue)]
                return (kind, shard.metrics.counter(FaultFactory.Metrics.injected, labels))
            })
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        guard configuration.hosts.isEmpty || isMeant(exchange.request.host) else { return next.open(exchange) }
        let plan = draw.plan(configuration)
        guard let delay = plan.delay else { return proceed(exchange, plan) }
        note(.latency, exchange)
        let timer = shard.loop.assumeIsolated().scheduleTask(in: delay) {
            exchange.whenAbandoned = nil
            if !exchange.hasEnded { self.proceed(exchange, plan) }
        }
        exchange.whenAbandoned = { timer.cancel() }
    }

    private func isMeant(_ host: String) -> Bool {
        configuration.hosts.contains { $0.matches(host, ignoringCase: true) }
    }

    private func proceed(_ exchange: Exchange, _ plan: FaultPlan) {
        if plan.aborts, let abort = configuration.abort { return stop(exchange, abort) }
        guard plan.changesBodies else { return next.open(exchange) }
        FaultRelay(exchange, plan: plan, port: self).begin(exchange.request, towards: next)
    }

    private func stop(_ exchange: Exchange, _ abort: FaultConfiguration.Abort) {
        note(.abort, exchange)
        if abort.reset { return exchange.reset(Failure(.originClosed, "the stage 'fault' has reset the exchange")) }
        let failure = Failure(.unreachable, "the stage 'fault' has answered in place of the origin")
        exchange.answer(LocalResponse(status: abort.status, body: failure.message + "\n", failure: failure))
    }

    /// Every fault is counted, and can be found in the log.
    func note(_ kind: Kind, _ exchange: Exchange) {
        injected[kind]?.add()
        shard.logger.debug("fault injected", metadata: ["fault": "\(kind.rawValue)", "request": "\(exchange.id)"])
    }
}

@available(*, unavailable)
extension FaultPort: Sendable {}
