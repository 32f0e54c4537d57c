import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
import Pipeline
import StageTesting
import Synchronization
import Testing

/// The conformance kit finds what it is for in sources, transports and sinks: stages that break one promise each.
@Suite struct TransportConformanceTests {
    @Test(arguments: [
        StageConformance<Bare<GoodSource>>.self as any HastyChecking.Type,
        StageConformance<Bare<GoodServer>>.self, StageConformance<Bare<GoodSink>>.self, StageConformance<Bare<GoodDialer>>.self,
    ])
    func aGoodStageConforms(_ kind: any HastyChecking.Type) async throws { try await kind.checkSample(within: .seconds(60)) }

    @Test(arguments: [
        (StageConformance<Bare<StubbornSource>>.self as any HastyChecking.Type, "it doesn't drain within"),
        (StageConformance<Bare<ImmortalSource>>.self, "it doesn't stop within"),
        (StageConformance<Bare<SingularSource>>.self, "a second one can't be had beside the first"),
        (StageConformance<Bare<DeafServer>>.self, "a connection with nothing open on it whose peer is done stays open"),
        (StageConformance<Bare<RestlessServer>>.self, "a connection with nothing open on it doesn't end when it is to drain"),
        (StageConformance<Bare<EntangledServer>>.self, "an instance counts what another one does"),
        (StageConformance<Bare<SilentSink>>.self, "an exchange gets no answer"),
        (StageConformance<Bare<WordlessSink>>.self, "an exchange fails without a reason"),
        (StageConformance<Bare<UncountedSink>>.self, "and doesn't have it"),
        (StageConformance<Bare<MuteDialer>>.self, "isn't told that there is none"),
        (StageConformance<Bare<WordlessDialer>>.self, "a connection is lost without a reason"),
        (StageConformance<Bare<VagueDialer>>.self, "it doesn't say where to or why"),
    ])
    func aFlawIsFound(_ kind: any HastyChecking.Type, _ finding: String) async throws {
        let failure = await #expect(throws: ConformanceFailure.self) { try await kind.checkSample(within: .milliseconds(500)) }
        #expect(failure?.findings.contains { $0.contains(finding) } == true, "\(failure?.description ?? "nothing")")
    }
}

/// Lets a table have conformance checks of several stages.
protocol HastyChecking: Sendable {
    static func checkSample(within patience: Duration) async throws
}

extension StageConformance: HastyChecking where Factory: SampleMaking {
    static func checkSample(within patience: Duration) async throws {
        var conformance = StageConformance(Factory())
        conformance.patience = patience
        try await conformance.check()
    }
}

/// What a stage does: the least that it has to, where a sample says nothing else.
protocol Conduct: Sendable {
    associatedtype Input: Medium
    associatedtype Output: Medium
    init()
    func port(_ downstream: Output.Port, on shard: Shard, counting seen: Counter) throws -> Input.Port
    static var metrics: [MetricDescription] { get }
    func claim() throws
    func drain() async
    func stop() async
}

extension Conduct {
    static var metrics: [MetricDescription] { [SampleMetrics.seen] }
    func claim() throws {}
    func drain() async {}
    func stop() async {}
}

struct Bare<Case: Conduct>: SampleMaking {
    struct Configuration: StageConfiguration {
        static var schema: Schema<Configuration> { Schema() }
    }

    static var name: String { "bare" }
    static var summary: String { "Does the least that it can." }
    static var forms: [StageForm] { [StageForm(Case.Input.kind, Case.Output.kind)] }
    static var reference: StageReference {
        StageReference(details: "It is here to be checked.", example: "- bare", metrics: Case.metrics)
    }

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage { Made() }

    struct Made: Stage {
        let conduct = Case()

        func assemble(_ downstream: Case.Output.Port, on shard: Shard) throws -> Case.Input.Port {
            let seen = shard.metrics.counter(SampleMetrics.seen, shard.assembling?.labels ?? [])
            return try conduct.port(downstream, on: shard, counting: seen)
        }

        typealias Input = Case.Input
        typealias Output = Case.Output
        func claim() async throws { try conduct.claim() }
        func drain() async { await conduct.drain() }
        func stop() async { await conduct.stop() }
    }
}

// MARK: - Sources

protocol SourceConduct: Conduct where Input == Start, Output == Inbound {}

extension SourceConduct {
    func port(_ downstream: any InboundPort, on shard: Shard, counting seen: Counter) throws {}
}

struct GoodSource: SourceConduct {}

struct StubbornSource: SourceConduct {
    func drain() async { try? await Task.sleep(for: .seconds(3_600)) }
}

struct ImmortalSource: SourceConduct {
    func stop() async { try? await Task.sleep(for: .seconds(3_600)) }
}

/// Takes something for the whole process.
struct SingularSource: SourceConduct {
    static let isTaken = Atomic(false)

    func claim() throws {
        guard !Self.isTaken.exchange(true, ordering: .relaxed) else { throw StageError(.unavailable, "the port is taken") }
    }
}

// MARK: - Servers

protocol ServerConduct: Conduct where Input == Inbound, Output == Exchange {
    static func leaves(at event: Any) -> Bool
}

extension ServerConduct {
    func port(_ downstream: any ExchangePort, on shard: Shard, counting seen: Counter) throws -> any InboundPort {
        ServerPort(seen, leaves: Self.leaves)
    }
}

struct GoodServer: ServerConduct {
    static func leaves(at event: Any) -> Bool { event is DrainEvent || event as? ChannelEvent == .inputClosed }
}

struct DeafServer: ServerConduct {
    static func leaves(at event: Any) -> Bool { event is DrainEvent }
}

struct RestlessServer: ServerConduct {
    static func leaves(at event: Any) -> Bool { event as? ChannelEvent == .inputClosed }
}

/// Whatever one of them has seen, all of them count.
struct EntangledServer: ServerConduct {
    static let all = Mutex<[NIOLoopBound<Counter>]>([])

    static func leaves(at event: Any) -> Bool {
        for counter in all.withLock({ $0 }) { counter.eventLoop.execute { counter.value.add() } }
        return GoodServer.leaves(at: event)
    }

    func port(_ downstream: any ExchangePort, on shard: Shard, counting seen: Counter) throws -> any InboundPort {
        let bound = NIOLoopBound(seen, eventLoop: shard.loop)
        Self.all.withLock { $0.append(bound) }
        return ServerPort(seen, leaves: Self.leaves)
    }
}

private final class ServerPort: InboundPort {
    let seen: Counter
    let leaves: (Any) -> Bool

    init(_ seen: Counter, leaves: @escaping (Any) -> Bool) {
        self.seen = seen
        self.leaves = leaves
    }

    var protocols: [String] { [] }

    func accept(_ connection: Inbound) throws {
        seen.add()
        try connection.channel.pipeline.syncOperations.addHandler(Handler(self))
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let port: ServerPort
        init(_ port: ServerPort) { self.port = port }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if port.leaves(event) { context.close(promise: nil) }
        }
    }
}

// MARK: - Sinks

protocol SinkConduct: Conduct where Input == Exchange, Output == End {
    static func open(_ exchange: Exchange)
}

extension SinkConduct {
    func port(_ downstream: Void, on shard: Shard, counting seen: Counter) throws -> any ExchangePort {
        SinkPort(open: Self.open)
    }
}

private final class SinkPort: ExchangePort {
    let answer: (Exchange) -> Void
    init(open: @escaping (Exchange) -> Void) { answer = open }
    func open(_ exchange: Exchange) { answer(exchange) }
}

struct GoodSink: SinkConduct {
    static func open(_ exchange: Exchange) { exchange.answer(LocalResponse(status: 200, body: "good")) }
}

struct SilentSink: SinkConduct {
    static func open(_ exchange: Exchange) {}
}

/// Resets exchanges, and nobody knows why.
struct WordlessSink: SinkConduct {
    static func open(_ exchange: Exchange) { exchange.reset(Failure(.internalError, "")) }
}

struct UncountedSink: SinkConduct {
    static var metrics: [MetricDescription] { [SampleMetrics.seen, SampleMetrics.other] }
    static func open(_ exchange: Exchange) { GoodSink.open(exchange) }
}

// MARK: - What dials

protocol DialerConduct: Conduct where Input == Outbound, Output == End {
    static var error: (any Error)? { get }
    static var reason: String { get }
    static var tells: Bool { get }
}

extension DialerConduct {
    static var error: (any Error)? { StageError(.unavailable, "nobody is there") }
    static var reason: String { "nobody is there" }
    static var tells: Bool { true }

    func port(_ downstream: Void, on shard: Shard, counting seen: Counter) throws -> any OutboundPort {
        DialerPort(error: Self.error, reason: Self.reason, tells: Self.tells)
    }
}

private final class DialerPort: OutboundPort {
    let error: (any Error)?
    let reason: String
    let tells: Bool

    init(error: (any Error)?, reason: String, tells: Bool) {
        self.error = error
        self.reason = reason
        self.tells = tells
    }

    func attach(_ client: any OutboundClient) {
        if tells { client.lost(nil, because: error) }
    }

    var status: OutboundStatus { .down(since: 0, to: "192.0.2.1:1", because: reason) }
    var patience: TimeAmount { .zero }
}

struct GoodDialer: DialerConduct {}

struct MuteDialer: DialerConduct {
    static var tells: Bool { false }
}

struct WordlessDialer: DialerConduct {
    static var error: (any Error)? { nil }
}

struct VagueDialer: DialerConduct {
    static var reason: String { "" }
}
