import ConfigurationLanguage
import Filters
import Foundation
import HTTPMessages
import Hosting
import Instruments
import Logging
import Pipeline
import Synchronization
import Testing
import TunnelStages

/// An agent and a server in one program that is neither: put together in code, started, used and stopped.
@Suite struct EmbeddedPipelineTests {
    /// Answers every request with the host that it asked for.
    private struct Echo: StageFactory {
        struct Configuration: StageConfiguration {
            var greeting = "this is"
            static let schema = Schema<Configuration>(.optional("greeting", \.greeting, "What comes before the host."))
        }

        static let name = "echo"
        static let summary = "Says who was asked."
        static let forms = [StageForm(.exchange, .end)]

        func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
            Sink(greeting: configuration.greeting)
        }

        struct Sink: Stage {
            typealias Input = Exchange
            typealias Output = End
            let greeting: String
            func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort { Port(greeting) }
        }

        final class Port: ExchangePort {
            let greeting: String
            init(_ greeting: String) { self.greeting = greeting }
            func open(_ exchange: Exchange) {
                exchange.answer(LocalResponse(status: 200, body: "\(greeting) \(exchange.request.host)"))
            }
        }
    }

    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// The limit on draining can't be what ends it, however little of the machine the test gets.
    @Test(.timeLimit(.minutes(10))) func agentAndServer() async throws {
        let folder = try TemporaryDirectory()
        let socket = "\(folder.path)/agent"
        let server = EmbeddedPipeline(
            try Plan(host: .server, logger: logger) {
                Step.accept(.unix(path: socket)) { $0.maxConnections = 10 }
                Step.http()
                Step<Exchange, End>(Echo()) { $0.greeting = "you asked" }
            }, logger: logger, eventLoops: 1, drain: .seconds(3_600))
        #expect(server.status == .idle)
        try await server.start()
        #expect(server.status == .running)
        await #expect(throws: StageError.self) { try await server.start() }

        let answer = try await UnixClient.ask(
            socket, "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.hasSuffix("you asked example.com"))
        #expect(await server.telemetry.snapshot().sum("fluidity_exchanges_begun_total") == 1)
        #expect(await server.stop())
        #expect(server.status == .stopped)
        #expect(await server.stop(), "stopping twice is no mistake")
    }

    @Test func aWrongConfigurationIsAnError() {
        #expect(throws: StageError.self) {
            try Plan(host: .server, logger: logger) {
                Step.accept(.tcp(host: "127.0.0.1", port: 0))
                Step.frameServer { $0.streamWindow = $0.sessionMemory }
                Step.fetch()
            }
        }
    }

    @Test func whatItCountsIsPublished() async throws {
        let folder = try TemporaryDirectory()
        let metrics = TestMetrics()
        let pipeline = EmbeddedPipeline(
            try Plan(host: .server, logger: logger) {
                Step.accept(.unix(path: "\(folder.path)/x"))
                Step.http { $0.mode = .origin }
                Step.respond(body: "hello")
            }, logger: logger, eventLoops: 2, metrics: metrics, metricsLabels: ["pipeline": "x"], metricsInterval: .seconds(3600))
        try await pipeline.start()
        for _ in 1...3 {
            let answer = try await UnixClient.ask("\(folder.path)/x", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(answer.hasSuffix("hello"))
        }
        await pipeline.stop()
        let counters = metrics.counters.withLock { $0 }
        #expect(counters["fluidity_exchanges_begun_total{pipeline=x}"] == 3)
        #expect(counters["fluidity_respond_answers_total{stage=respond}{place=3}{pipeline=x}"] == 3)
        #expect(counters["fluidity_accept_connections_total{stage=accept}{place=1}{pipeline=x}"] == 3)
    }
}
