import NIOCore
import Pipeline
import StageTesting
import Synchronization
import Testing

/// The conformance kit finds each thing that it is for: stages that break one promise each.
@Suite struct StageConformanceTests {
    @Test func aGoodStageConforms() async throws {
        try await StageConformance(Variation<Good>()).check()
    }

    @Test(arguments: [
        (StageConformance<Variation<Undeclared>>.self as any Checking.Type, "doesn't declare it"),
        (StageConformance<Variation<Missing>>.self, "doesn't have it"),
        (StageConformance<Variation<Shared>>.self, "they share what the first has seen"),
        (StageConformance<Variation<Allocating>>.self, "100 chunks of a response cost"),
        (StageConformance<Variation<Swallowing>>.self, "a response that breaks off"),
        (StageConformance<Variation<BadExample>>.self, "its example can't be loaded"),
        (StageConformance<Variation<Mute>>.self, "has no sentence that explains it"),
        (StageConformance<Variation<Unbounded>>.self, "'count' takes a mapping"),
    ])
    func aFlawIsFound(_ kind: any Checking.Type, _ finding: String) async throws {
        let failure = await #expect(throws: ConformanceFailure.self) { try await kind.checkSample() }
        #expect(failure?.findings.contains { $0.contains(finding) } == true, "\(failure?.description ?? "nothing")")
    }
}

/// Lets a table have conformance checks of several stages.
protocol Checking: Sendable {
    static func checkSample() async throws
}

extension StageConformance: Checking where Factory: SampleMaking {
    static func checkSample() async throws { try await StageConformance(Factory()).check() }
}

protocol SampleMaking: StageFactory {
    init()
}

/// What a sample stage does differently.
protocol Variant: Sendable {
    static var example: String { get }
    static var help: String { get }
    static var metrics: [MetricDescription] { get }
    static func value(_ node: ConfigurationNode) -> Bool
    static func assembled(_ shard: Shard)
    static func open(_ exchange: Exchange, towards next: any ExchangePort)
}

extension Variant {
    static var example: String { "- sample: { count: 2 }" }
    static var help: String { "How many there are." }
    static var metrics: [MetricDescription] { [SampleMetrics.seen] }
    static func value(_ node: ConfigurationNode) -> Bool {
        if case .scalar = node.content { true } else { false }
    }
    static func assembled(_ shard: Shard) {
        _ = shard.metrics.counter(SampleMetrics.seen, shard.assembling?.labels ?? [])
    }
    static func open(_ exchange: Exchange, towards next: any ExchangePort) { exchange.pass(HeadGate(), towards: next) }
}

enum SampleMetrics {
    static let seen = MetricDescription(.counter, "fluidity_sample_seen_total", "Exchanges that were seen.")
    static let other = MetricDescription(.counter, "fluidity_sample_other_total", "Something else that was seen.")
}

final class HeadGate: Gate {
    let isOpen: Bool

    init(isOpen: Bool = true) {
        self.isOpen = isOpen
        super.init(interests: [.requestHead])
    }

    override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
        isOpen ? .forward : .refuse(LocalResponse(status: 429, failure: Failure(.excessive, "too many")))
    }
}

/// A whole number that a variant may read in its own way.
struct SampleCount<V: Variant>: ConfigurationValue {
    var number = 1
    static var typeDescription: String { "a whole number" }
    static var shape: ValueShape { .integer }
    static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> SampleCount? {
        guard V.value(node) else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        guard case .scalar(let scalar) = node.content else { return SampleCount() }
        return Int(scalar.text).map { SampleCount(number: $0) }
    }
    var printed: String { "\(number)" }
}

struct Variation<V: Variant>: SampleMaking {
    struct Configuration: StageConfiguration {
        var count = SampleCount<V>()
        static var schema: Schema<Configuration> { Schema(.optional("count", \.count, V.help)) }
        static func == (left: Configuration, right: Configuration) -> Bool { left.count.number == right.count.number }
    }

    static var name: String { "sample" }
    static var summary: String { "Does nothing in particular." }
    static var forms: [StageForm] { [StageForm(.exchange, .exchange)] }
    static var reference: StageReference {
        StageReference(details: "It is here to be checked.", example: V.example, metrics: V.metrics)
    }

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage { Filter() }

    struct Filter: Stage {
        typealias Input = Exchange
        typealias Output = Exchange

        func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
            V.assembled(shard)
            return Port(downstream)
        }
    }

    final class Port: ExchangePort {
        let next: any ExchangePort
        init(_ next: any ExchangePort) { self.next = next }
        func open(_ exchange: Exchange) {
            V.open(exchange, towards: next)
        }
    }
}

enum Good: Variant {}

enum Undeclared: Variant {
    static var metrics: [MetricDescription] { [] }
}

enum Missing: Variant {
    static var metrics: [MetricDescription] { [SampleMetrics.seen, SampleMetrics.other] }
}

enum BadExample: Variant {
    static var example: String { "- sample: { cuont: 2 }" }
}

enum Mute: Variant {
    static var help: String { "" }
}

enum Unbounded: Variant {
    static func value(_ node: ConfigurationNode) -> Bool { true }
}

/// Lets one exchange pass in the whole process.
enum Shared: Variant {
    static let seen = Atomic(0)
    static func open(_ exchange: Exchange, towards next: any ExchangePort) {
        let before = seen.add(1, ordering: .relaxed).oldValue
        exchange.pass(HeadGate(isOpen: before == 0), towards: next)
    }
}

/// Copies every chunk of the response.
enum Allocating: Variant {
    static func open(_ exchange: Exchange, towards next: any ExchangePort) { Carrier.carry(exchange, towards: next) }
}

/// Takes a response that breaks off for a whole one.
enum Swallowing: Variant {
    static func open(_ exchange: Exchange, towards next: any ExchangePort) {
        Carrier.carry(exchange, towards: next, swallows: true)
    }
}

/// Carries an exchange on as another one, as a stage may that wants to do everything itself.
private final class Carrier: ExchangeSource {
    private let outer: Exchange
    private let swallows: Bool

    static func carry(_ outer: Exchange, towards next: any ExchangePort, swallows: Bool = false) {
        let carrier = Carrier(outer, swallows: swallows)
        let inner = Exchange(outer.request, from: carrier, client: outer.client, on: outer.shard)
        next.open(inner)
        outer.attach(Requests(inner))
    }

    private init(_ outer: Exchange, swallows: Bool) {
        self.outer = outer
        self.swallows = swallows
    }

    override func responseHead(_ head: ResponseHead) { outer.sendResponseHead(head) }
    override func responseBody(_ bytes: ByteBuffer) { outer.sendResponseBody(ByteBuffer(bytes: Array(bytes.readableBytesView))) }
    override func responseEnd(_ trailers: HeaderFields?) { outer.sendResponseEnd(trailers) }
    override func responseAborted(_ failure: Failure) {
        if swallows { outer.sendResponseEnd(nil) } else { outer.abortResponse(failure) }
    }

    private final class Requests: ExchangeSink {
        private let inner: Exchange
        init(_ inner: Exchange) { self.inner = inner }
        override func requestBody(_ bytes: ByteBuffer) { inner.sendRequestBody(bytes) }
        override func requestEnd(_ trailers: HeaderFields?) { inner.sendRequestEnd(trailers) }
        override func requestAborted(_ failure: Failure) { inner.abortRequest(failure) }
    }
}
