import Logging
import NIOCore
import NIOPosix
import Pipeline
import Synchronization
import Testing

@testable import Runtime

/// In which order a generation's stages begin, drain and end.
@Suite struct GenerationTests {
    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private struct Refusal: Error {}

    /// A stage that writes down what it is told.
    private struct Source: Stage {
        typealias Input = Start
        typealias Output = Exchange
        let log: Log
        var refuses = ""
        /// How long it drains.
        var drains = Duration.zero

        func assemble(_ downstream: any ExchangePort, on shard: Shard) throws { log.add("assemble source") }
        func claim() async throws { try tell("claim") }
        func start() async throws { try tell("start") }
        func drain() async {
            log.add("drain source")
            try? await Task.sleep(for: drains)
        }
        func stop() async { log.add("stop source") }
        func reopenFiles() async { log.add("reopen source") }

        private func tell(_ event: String) throws {
            log.add("\(event) source")
            if refuses == event { throw Refusal() }
        }
    }

    private final class Port: ExchangePort {
        func open(_ exchange: Exchange) {}
    }

    private struct Sink: Stage {
        typealias Input = Exchange
        typealias Output = End
        let log: Log

        func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort {
            log.add("assemble sink")
            return Port()
        }
        func claim() async throws { log.add("claim sink") }
        func start() async throws { log.add("start sink") }
        func drain() async { log.add("drain sink") }
        func stop() async { log.add("stop sink") }
        func reopenFiles() async { log.add("reopen sink") }
    }

    private let log = Log()

    /// Runs one on two loops.
    private func with(refuses: String = "", drains: Duration = .zero, _ body: (Generation) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let plan = Plan.source(Source(log: log, refuses: refuses, drains: drains), named: "source").sink(
            Sink(log: log), named: "sink")
        let generation = Generation(plan: plan, group: group, logger: Logger(label: "test"), exchangeLog: nil)
        do { try await body(generation) } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    @Test func `What carries on begins before what takes in, when all is claimed`() async throws {
        try await with { try await $0.start() }
        #expect(log.all.filter { $0.hasPrefix("assemble") }.count == 4)
        #expect(log.all.suffix(4) == ["claim source", "claim sink", "start sink", "start source"])
    }

    /// What the source refuses, and what was told before everything is stopped.
    @Test(arguments: [("claim", ["claim source"]), ("start", ["claim source", "claim sink", "start sink", "start source"])])
    func `What had begun is stopped where something can't`(_ event: String, _ before: [String]) async throws {
        await #expect(throws: Refusal.self) { try await with(refuses: event) { try await $0.start() } }
        #expect(log.all.drop { $0.hasPrefix("assemble") } == before[...] + ["stop source", "stop sink"])
    }

    @Test func `A drain that ends in time ends nothing by force`() async throws {
        try await with { generation in
            let wasInTime = await generation.drain(within: .seconds(60))
            #expect(wasInTime)
        }
        #expect(log.all == ["drain source", "drain sink"])
    }

    @Test func `A drain that takes too long is ended`() async throws {
        try await with(drains: .seconds(3_600)) { generation in
            let wasInTime = await generation.drain(within: .milliseconds(10))
            #expect(!wasInTime)
        }
        #expect(log.all.prefix(3) == ["drain source", "stop source", "stop sink"])
    }

    @Test func `Every stage opens its files anew`() async throws {
        try await with { await $0.reopenFiles() }
        #expect(log.all == ["reopen source", "reopen sink"])
    }
}
