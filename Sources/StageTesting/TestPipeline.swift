public import HTTPMessages
import Logging
import NIOCore
public import Pipeline
import Rehearsal

/// Runs stages in memory, between a client and an origin that a test controls: on a real event loop, without a network.
///
///     let pipeline = try await TestPipeline("- quota: { limit: 1 }", QuotaFactory())
///     #expect(try await pipeline.exchange(TestRequest()).status == 200)
///     #expect(try await pipeline.exchange(TestRequest()).status == 429)
///     await pipeline.end()
public struct TestPipeline: Sendable {
    private let rehearsal: Rehearsal

    /// Stages that take exchanges, as they would stand in a file's list. The last one may be a sink.
    /// - Parameters:
    ///   - list: YAML, such as `- quota: { limit: 1 }`.
    ///   - directory: Where relative paths in the list start from.
    public init(_ list: String, directory: String = "", _ factories: any StageFactory...) async throws {
        var registry = StageRegistry()
        for factory in factories { registry.register(factory) }
        let loader = ConfigurationLoader(registry: registry, environment: [:])
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let stages = try loader.looseStages(in: list, file: directory.isEmpty ? "list" : "\(directory)/list").map { stage in
            let form = stage.forms.first { $0.input == .exchange } ?? StageForm(.exchange, .exchange)
            return Plan.NamedStage(
                name: stage.name, stage: try stage.make(form, StageContext(logger: logger, host: .server)))
        }
        rehearsal = try await Rehearsal.begin(stages, logger: logger)
    }

    /// Stages that were made in code.
    public init(_ stages: [(name: String, stage: any Stage)]) async throws {
        rehearsal = try await Rehearsal.begin(
            stages.map { Plan.NamedStage(name: $0.name, stage: $0.stage) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Sends a whole request and returns what came of it, once the client has the response or knows that it won't.
    /// - Parameter origin: What the origin answers to each attempt, counted from 1.
    public func exchange(
        _ request: TestRequest = TestRequest(),
        origin: @escaping @Sendable (_ attempt: Int, _ request: RequestHead) -> TestResponse = { _, _ in TestResponse() }
    ) async throws -> TestOutcome {
        let outcome = try await rehearsal.perform(
            request.rehearsed, from: request.client, script: { origin($0, $1).rehearsed })
        return TestOutcome(outcome)
    }

    /// Begins an exchange that the test leads step by step, at both of its ends.
    public func open(_ request: TestRequest = TestRequest()) async throws -> TestExchange {
        let conversation = try await rehearsal.open(request.head, from: request.client, script: nil)
        let exchange = TestExchange(conversation: conversation)
        for part in request.parts { try await exchange.send(part) }
        return exchange
    }

    /// The value of a counter or gauge, over all of its labels; nil if there is no such metric.
    public func metric(_ name: String) async throws -> Double? {
        try await rehearsal.run { $0.shard.flatMap { RehearsedMetrics($0).sum(name) } }
    }

    /// Drains and stops the stages. To be called at the end.
    public func end() async { await rehearsal.end() }
}

/// An exchange under way, led from both ends. Each call returns when what it does has come through.
public struct TestExchange: Sendable {
    let conversation: NIOLoopBound<Conversation>

    /// The client sends a part of its body.
    public func send(_ part: String) async throws { try await run { $0.send(ByteBuffer(string: part)) } }

    /// The client has sent everything.
    public func finish(_ trailers: HeaderFields? = nil) async throws { try await run { $0.finish(trailers) } }

    /// The client goes away.
    public func cancel() async throws { try await run { $0.cancel(Failure(.cancelled, "the client went away")) } }

    /// The origin answers with a head, to the last attempt that has reached it.
    public func respond(_ head: ResponseHead) async throws { try await run { $0.attempts.last?.respond(head) } }

    /// The origin sends a part of its body.
    public func respond(_ part: String) async throws {
        try await run { $0.attempts.last?.respond(ByteBuffer(string: part)) }
    }

    /// The origin has sent everything.
    public func finishResponse(_ trailers: HeaderFields? = nil) async throws {
        try await run { $0.attempts.last?.finish(trailers) }
    }

    /// The origin can't go on.
    public func failResponse(_ failure: Failure) async throws { try await run { $0.attempts.last?.fail(failure) } }

    /// What has come out at both ends until now.
    public var outcome: TestOutcome {
        get async throws { TestOutcome(try await run { $0.outcome }) }
    }

    /// Why the origin was told that its answers aren't wanted any more, for each attempt that was taken back.
    public var cancellations: [Failure] {
        get async throws { try await run { $0.outcome.cancelled } }
    }

    private func run<Result: Sendable>(
        _ body: @escaping @Sendable (Conversation) -> Result
    ) async throws -> Result {
        try await conversation.eventLoop.submit { [conversation] in body(conversation.value) }.get()
    }
}
