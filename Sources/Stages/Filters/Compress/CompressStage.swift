public import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
public import Pipeline

/// What `compress` can be told.
public struct CompressConfiguration: StageConfiguration {
    /// zlib's level: 1 is fastest, 9 smallest.
    public var level = 4
    /// The size below which bodies are sent as they are, where it is known.
    public var minimum = ByteCount(1 << 10)
    /// The media types of bodies that are deflated.
    public var types = CompressibleTypes.standard
    /// The memory that deflating and inflating may take on one event loop; beyond it, bodies are sent as they are.
    public var memory = ByteCount(64 << 20)

    public init() {}

    public static let schema = Schema<CompressConfiguration>(
        .optional("level", \.level, in: 1...9, "zlib's level: 1 is fastest, 9 smallest."),
        .optional(
            "minimum", \.minimum, in: ByteCount(0)...ByteCount(1 << 30),
            "Bodies that are known to be smaller are sent as they are."),
        .optional("types", \.types, "The types of bodies that are deflated, each with at most one star."),
        .optional(
            "memory", \.memory, in: ByteCount(1 << 20)...ByteCount(4 << 30),
            "What deflating and inflating may take on one event loop. When it is used up, bodies are sent as they are.")
    )

    public func validate() -> [ConfigurationProblem] {
        guard let wrong = types.first(where: { !CompressibleTypes.isPattern($0) }) else { return [] }
        return [
            ConfigurationProblem(
                "'\(wrong)' is no type of a body", key: "types",
                hint: "write a type such as application/json, with one star at most: text/*, application/*+json")
        ]
    }
}

/// Makes the stage `compress`, and says what it is.
public struct CompressFactory: StageFactory {
    public static let name = "compress"
    public static let summary = "Deflates bodies between agent and server, where both have it and the body gains by it."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func problems(_ configuration: CompressConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        guard !surroundings.mayBeAfter(.carriesDeflated), !surroundings.mayBeBefore(.carriesDeflated) else { return [] }
        return [
            .warning(
                "'compress' does nothing here: bodies are deflated only in a tunnel with the codec 'mux', and no stage of this list is "
                    + "an end of one", hint: "leave it out, or put it next to 'frame: { codec: mux }'")
        ]
    }

    public func make(_ configuration: CompressConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        CompressStage(configuration: configuration)
    }
}

/// Stands on both sides of the tunnel and does there what its place asks for: deflates what goes in, inflates what comes out.
struct CompressStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    let configuration: CompressConfiguration

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        CompressPort(configuration: configuration, next: downstream, shard: shard)
    }
}

final class CompressPort: ExchangePort {
    let types: CompressibleTypes
    let pool: CoderPool
    let requests: CompressMetrics
    let responses: CompressMetrics
    private let next: any ExchangePort

    init(configuration: CompressConfiguration, next: any ExchangePort, shard: Shard) {
        types = CompressibleTypes(configuration.types, minimum: configuration.minimum.bytes)
        pool = CoderPool(level: configuration.level, limit: configuration.memory.bytes)
        requests = CompressMetrics("request", shard)
        responses = CompressMetrics("response", shard)
        self.next = next
    }

    var offers: BodyCapabilities { .deflate }

    func open(_ exchange: Exchange) {
        let request = exchange.request
        // Raw bytes are another protocol's, mostly TLS, which can't be made smaller; see docs/design.md.
        guard request.kind == .plain else { return next.open(exchange) }
        let ahead = next.offers
        guard !request.takesDeflated, !request.body.isDeflated else {
            // Comes from an end that compresses. If the next one takes that as well, it is the one to undo it.
            if ahead.contains(.deflate) { return next.open(exchange) }
            return leave(exchange, request)
        }
        guard !ahead.isDisjoint(with: [.deflate, .undecided]) else { return next.open(exchange) }
        enter(exchange, request, ahead)
    }

    /// At the tunnel's beginning: the request may go deflated, and its response may come so.
    private func enter(_ exchange: Exchange, _ request: RequestHead, _ ahead: BodyCapabilities) {
        let relay = CompressRelay(exchange, port: self, role: .entry)
        var request = request
        if request.method != "HEAD", pool.reserve(CoderPool.inflating) {
            request.takesDeflated = true
            relay.promised = CoderPool.inflating
        }
        if ahead.contains(.deflate), types.mayGain(request.body, request.fields), relay.deflateRequest() {
            request.body = .deflated(request.body.count)
        }
        guard request.takesDeflated || request.body.isDeflated else { return next.open(exchange) }
        relay.begin(request, towards: next)
    }

    /// At the tunnel's end: the request goes on as the client sent it, and its response may be deflated.
    private func leave(_ exchange: Exchange, _ request: RequestHead) {
        let relay = CompressRelay(exchange, port: self, role: .exit(deflates: request.takesDeflated))
        if case .deflated(let original) = request.body, !relay.inflateRequest(original) {
            let failure = Failure(.excessive, "there are too many compressed requests")
            return exchange.answer(failure.response(for: request))
        }
        var request = request
        request.takesDeflated = false
        request.body = request.body.original
        relay.begin(request, towards: next)
    }
}

extension BodyLength {
    /// How many bytes, where that is known.
    var count: Int64? {
        if case .known(let count) = self { count } else { nil }
    }
}

/// What is counted of bodies in one direction.
final class CompressMetrics {
    let bodies: Counter
    let original: Counter
    let deflated: Counter
    let saved: Counter
    let refused: Counter
    let abandoned: Counter

    init(_ body: String, _ shard: Shard) {
        let labels = (shard.assembling?.labels ?? []) + [.init("body", body)]
        let metrics = shard.metrics
        bodies = metrics.counter(CompressFactory.Metrics.bodies, labels)
        original = metrics.counter(CompressFactory.Metrics.original, labels)
        deflated = metrics.counter(CompressFactory.Metrics.deflated, labels)
        saved = metrics.counter(CompressFactory.Metrics.saved, labels)
        refused = metrics.counter(CompressFactory.Metrics.refused, labels)
        abandoned = metrics.counter(CompressFactory.Metrics.abandoned, labels)
    }
}

@available(*, unavailable)
extension CompressPort: Sendable {}

@available(*, unavailable)
extension CompressMetrics: Sendable {}
