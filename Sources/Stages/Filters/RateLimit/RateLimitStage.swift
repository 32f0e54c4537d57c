public import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
public import Pipeline

/// What `rate-limit` can be told.
public struct RateLimitConfiguration: StageConfiguration {
    /// Whose exchanges share one limit.
    public var by = RateLimitKey.global
    /// How many requests may come in a time; nil for any number.
    public var requests: Rate?
    /// How many requests may come at once after a pause; nil for as many as in one period.
    public var burst: Int?
    /// How many exchanges may be open at once; nil for any number.
    public var concurrent: Int?
    /// How many bytes of responses pass in a time, of which more are delayed and none dropped; nil for any number.
    public var download: ByteRate?
    /// How many bytes of requests, and of what a client sends in a tunnel, pass in a time; nil for any number.
    public var upload: ByteRate?
    /// How many bytes may pass at once after a pause; nil for a quarter of a second's, at least 64 KiB.
    public var byteBurst: ByteCount?
    /// How many clients, identities or hosts are told apart at a time, in 16 bytes each for every limit.
    public var capacity = 65_536
    /// Whether what is beyond a limit is refused or delayed.
    public var mode = RefusalMode.enforce

    public init() {}

    public static let schema = Schema<RateLimitConfiguration>(
        .required("by", \.by, "Whose exchanges share one limit: everybody's, those of a client, of an identity, to a host."),
        .optional("requests", \.requests, in: Rate(1, per: .day)..., "How many requests may come in a time: 100/s."),
        .optional(
            "burst", \.burst, in: 1...1_000_000_000,
            "How many requests may come at once after a pause. By default as many as in one period."),
        .optional("concurrent", \.concurrent, in: 1...1_000_000, "How many exchanges may be open at once."),
        .optional(
            "download", \.download, in: ByteRate(ByteCount(1), per: .second)...,
            "How many bytes of responses pass in a time: 10MiB/s. More are delayed, none are dropped."),
        .optional(
            "upload", \.upload, in: ByteRate(ByteCount(1), per: .second)...,
            "The same for requests, and for what a client sends in a tunnel."),
        .optional(
            "byte-burst", \.byteBurst, in: ByteCount(1_024)...,
            "How many bytes may pass at once after a pause. By default a quarter of a second's, at least 64KiB."),
        .optional(
            "capacity", \.capacity, in: 8...16_777_216,
            "How many clients, identities or hosts are told apart at a time, in 16 bytes each for every limit. With more, those nearest to their full allowance get it back early."
        ),
        .optional(
            "mode", \.mode,
            "'enforce' refuses and delays; 'observe' only counts what it would refuse or delay and lets it pass, to see what a limit does before it counts."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if requests == nil, concurrent == nil, download == nil, upload == nil {
            problems.append(
                ConfigurationProblem("'rate-limit' limits nothing", hint: "set requests, concurrent, download or upload"))
        }
        if burst != nil, requests == nil { problems.append(ConfigurationProblem("'burst' goes with 'requests'", key: "burst")) }
        if byteBurst != nil, download == nil, upload == nil {
            problems.append(ConfigurationProblem("'byte-burst' goes with 'download' or 'upload'", key: "byte-burst"))
        }
        return problems
    }
}

/// Makes the stage `rate-limit`, and says what it is.
public struct RateLimitFactory: StageFactory {
    public static let name = "rate-limit"
    public static let summary =
        "Limits requests and open exchanges (429), and delays bytes, for everybody together or by client, identity or host; in one process."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func problems(
        _ configuration: RateLimitConfiguration, among surroundings: StageSurroundings
    ) -> [ConfigurationProblem] {
        guard configuration.by == .identity, !surroundings.isAfter(.identifies), !surroundings.isAfter(.verifiesPeers) else {
            return []
        }
        return [
            .warning(
                "nobody has a name here, so that all share one limit: no stage before 'rate-limit' finds out who a client is",
                key: "by", hint: "put 'auth' before it")
        ]
    }

    public func make(_ configuration: RateLimitConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        RateLimitStage(configuration)
    }
}

/// The tables are the stage's, so that a limit holds for all event loops together.
struct RateLimitStage: LoopFilterStage {
    typealias Input = Exchange
    typealias Output = Exchange

    let key: RateLimitKey
    let mode: RefusalMode
    let requests: RequestLimit?
    let concurrent: (limit: Int, counts: OpenCounts)?
    let download: ByteLimit?
    let upload: ByteLimit?

    /// Whether there is something to see in an exchange after its beginning.
    var watches: Bool { concurrent != nil || download != nil || upload != nil }

    init(_ configuration: RateLimitConfiguration) {
        key = configuration.by
        mode = configuration.mode
        let capacity = configuration.by == .global ? 1 : configuration.capacity
        requests = configuration.requests.map {
            RequestLimit(rate: $0, burst: configuration.burst ?? $0.count, buckets: TokenBuckets(capacity: capacity))
        }
        concurrent = configuration.concurrent.map { ($0, OpenCounts()) }
        func bytes(_ rate: ByteRate?) -> ByteLimit? {
            rate.map { ByteLimit(rate: $0, burst: configuration.byteBurst, buckets: TokenBuckets(capacity: capacity)) }
        }
        download = bytes(configuration.download)
        upload = bytes(configuration.upload)
    }

    func filter(on shard: Shard) -> RateLimitFilter { RateLimitFilter(stage: self, shard: shard) }
}

/// Decides on each exchange as it comes; only one whose bytes or end matter gets a gate.
final class RateLimitFilter: LoopFilter {
    private let stage: RateLimitStage
    private let loop: any EventLoop
    private let refusedRequests: Counter
    private let refusedConcurrent: Counter
    private let delays: Counter
    private let place: String
    /// When each limit was last reached.
    private var reachedAt: [String: NIODeadline] = [:]

    fileprivate init(stage: RateLimitStage, shard: Shard) {
        self.stage = stage
        loop = shard.loop
        let labels = shard.assembling?.labels ?? []
        place = shard.assembling?.path ?? ""
        func refused(_ limit: String) -> Counter {
            shard.metrics.refusals(
                RateLimitFactory.Metrics.refused, observed: RateLimitFactory.Metrics.observed, labels + [.init("limit", limit)],
                stage.mode)
        }
        refusedRequests = refused("requests")
        refusedConcurrent = refused("concurrent")
        delays = shard.metrics.counter(RateLimitFactory.Metrics.delays, labels)
    }

    func choice(for exchange: Exchange) -> FilterChoice {
        let key = stage.key.value(for: exchange)
        if let requests = stage.requests, case .refused(let wait) = requests.take(key, now: loop.now) {
            refusedRequests.add()
            reached("requests", exchange)
            let answer = requests.refusal(by: stage.key, wait: wait)
            if stage.mode == .enforce { return .answer(answer) }
            observe(exchange, answer)
        }
        var isCounted = stage.concurrent != nil
        if let (limit, counts) = stage.concurrent, !counts.enter(key, limit: limit) {
            refusedConcurrent.add()
            reached("concurrent", exchange)
            let answer = RateLimitRefusal.concurrent(limit, by: stage.key)
            if stage.mode == .enforce { return .answer(answer) }
            observe(exchange, answer)
            isCounted = false
        }
        guard stage.watches else { return .pass }
        let observes = stage.mode == .observe
        return .gate(
            RateLimitGate(
                open: isCounted ? stage.concurrent.map { ($0.counts, key) } : nil,
                download: stage.download.map { PacedDirection(.response, $0, key, delays, observes: observes) },
                upload: stage.upload.map { PacedDirection(.request, $0, key, delays, observes: observes) }))
    }

    /// Records that a limit is reached, if it wasn't for a while.
    private func reached(_ limit: String, _ exchange: Exchange) {
        guard let audit = exchange.shard.telemetry.audit else { return }
        let now = loop.now
        defer { reachedAt[limit] = now }
        if let last = reachedAt[limit], now - last < .seconds(60) { return }
        audit.record(
            .limitReached,
            [
                .place: place, .limit: limit, .client: exchange.clientName, .remote: exchange.client.remote,
                .exchange: exchange.id.description,
            ])
    }

    private func observe(_ exchange: Exchange, _ answer: LocalResponse) {
        exchange.leave(Verdict(.wouldRefuse, note: "\(answer.head.status), \(answer.failure?.message ?? "")"))
    }
}
