import ConfigurationLanguage
import HTTPMessages
import Instruments
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
        (StageConformance<Variation<Lenient>>.self, "'count' takes an unknown key in it"),
        (StageConformance<Variation<Useless>>.self, "its defaults are refused without a hint"),
        (StageConformance<Variation<Untrue>>.self, "its defaults, written into a file, mean something else"),
        (StageConformance<Variation<Deaf>>.self, "the origin is not told once that the client went away"),
        (StageConformance<Variation<Copying>>.self, "100 chunks of a request cost"),
        (StageConformance<Variation<Wordless>>.self, "a response that breaks off has no failure that says why"),
        (StageConformance<Variation<Closed>>.self, "its example lets nothing pass"),
    ])
    func aFlawIsFound(_ kind: any Checking.Type, _ finding: String) async throws {
        let failure = await #expect(throws: ConformanceFailure.self) { try await kind.checkSample() }
        #expect(failure?.findings.contains { $0.contains(finding) } == true, "\(failure?.description ?? "nothing")")
    }
}

/// A filter that doesn't let go when it should: with less patience than the kit has of itself.
@Suite struct FilterDrainTests {
    @Test func aFilterThatDoesntDrainIsFound() async throws {
        var conformance = StageConformance(Variation<Restless>())
        conformance.patience = .milliseconds(200)
        let failure = await #expect(throws: ConformanceFailure.self) { try await conformance.check() }
        #expect(failure?.findings.contains { $0.contains("it doesn't drain and stop within") } == true)
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
    static var shape: ValueShape { get }
    static func printed(_ number: Int) -> String
    static func problems(_ number: Int) -> [ConfigurationProblem]
    static func drain() async
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
    static var shape: ValueShape { .integer }
    static func printed(_ number: Int) -> String { "\(number)" }
    static func problems(_ number: Int) -> [ConfigurationProblem] { [] }
    static func drain() async {}
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
    static var shape: ValueShape { V.shape }
    static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> SampleCount? {
        guard V.value(node) else {
            context.reject(node, wanted: typeDescription)
            return nil
        }
        guard case .scalar(let scalar) = node.content else { return SampleCount() }
        return Int(scalar.text).map { SampleCount(number: $0) }
    }
    var printed: String { V.printed(number) }
}

struct Variation<V: Variant>: SampleMaking {
    struct Configuration: StageConfiguration {
        var count = SampleCount<V>()
        static var schema: Schema<Configuration> { Schema(.optional("count", \.count, V.help)) }
        func validate() -> [ConfigurationProblem] { V.problems(count.number) }
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

        func drain() async { await V.drain() }
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

/// Takes any mapping for a value that it says is one.
enum Lenient: Variant {
    static func value(_ node: ConfigurationNode) -> Bool { true }
    static var shape: ValueShape { .mapping }
}

/// Works with no default, and doesn't say what would help.
enum Useless: Variant {
    static func problems(_ number: Int) -> [ConfigurationProblem] {
        number == 1 ? [ConfigurationProblem("one isn't enough", key: "count")] : []
    }
}

/// Writes another value than it has.
enum Untrue: Variant {
    static func printed(_ number: Int) -> String { "\(number + 1)" }
}

/// Waits for somebody who doesn't come.
enum Restless: Variant {
    static func drain() async { try? await Task.sleep(for: .seconds(3_600)) }
}

/// Lets nobody pass.
enum Closed: Variant {
    static func open(_ exchange: Exchange, towards next: any ExchangePort) {
        exchange.pass(HeadGate(isOpen: false), towards: next)
    }
}

/// Doesn't tell the origin that a client has gone.
enum Deaf: Variant {
    static func open(_ exchange: Exchange, towards next: any ExchangePort) { Carrier.carry(exchange, towards: next, flaw: .deaf) }
}

/// Copies every chunk of the request.
enum Copying: Variant {
    static func open(_ exchange: Exchange, towards next: any ExchangePort) { Carrier.carry(exchange, towards: next, flaw: .copies) }
}

/// Breaks off without a reason.
enum Wordless: Variant {
    static func open(_ exchange: Exchange, towards next: any ExchangePort) {
        Carrier.carry(exchange, towards: next, flaw: .wordless)
    }
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
        Carrier.carry(exchange, towards: next, flaw: .swallows)
    }
}

/// Carries an exchange on as another one, as a stage may that wants to do everything itself.
private final class Carrier: ExchangeSource {
    enum Flaw { case none, swallows, deaf, copies, wordless }

    private let outer: Exchange
    private let flaw: Flaw

    static func carry(_ outer: Exchange, towards next: any ExchangePort, flaw: Flaw = .none) {
        let carrier = Carrier(outer, flaw)
        let inner = Exchange(outer.request, from: carrier, client: outer.client, on: outer.shard)
        next.open(inner)
        outer.attach(Requests(inner, flaw))
    }

    private init(_ outer: Exchange, _ flaw: Flaw) {
        self.outer = outer
        self.flaw = flaw
    }

    override func responseHead(_ head: ResponseHead) { outer.sendResponseHead(head) }
    override func responseBody(_ bytes: ByteBuffer) { outer.sendResponseBody(ByteBuffer(bytes: Array(bytes.readableBytesView))) }
    override func responseEnd(_ trailers: HeaderFields?) { outer.sendResponseEnd(trailers) }
    override func responseAborted(_ failure: Failure) {
        switch flaw {
        case .swallows: outer.sendResponseEnd(nil)
        case .wordless: outer.abortResponse(Failure(failure.code, ""))
        default: outer.abortResponse(failure)
        }
    }

    private final class Requests: ExchangeSink {
        private let inner: Exchange
        private let flaw: Flaw
        init(_ inner: Exchange, _ flaw: Flaw) {
            self.inner = inner
            self.flaw = flaw
        }
        override func requestBody(_ bytes: ByteBuffer) {
            inner.sendRequestBody(flaw == .copies ? ByteBuffer(bytes: Array(bytes.readableBytesView)) : bytes)
        }
        override func requestEnd(_ trailers: HeaderFields?) { inner.sendRequestEnd(trailers) }
        override func requestAborted(_ failure: Failure) {
            if flaw != .deaf { inner.abortRequest(failure) }
        }
    }
}
