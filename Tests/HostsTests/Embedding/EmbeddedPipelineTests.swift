import Foundation
import Hosting
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Stages
import Testing

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

    @Test func agentAndServer() async throws {
        let folder = try TemporaryDirectory()
        let socket = "\(folder.path)/agent"
        let server = EmbeddedPipeline(
            try Plan(host: .server, logger: logger) {
                Step.accept(.unix(path: socket)) { $0.maxConnections = 10 }
                Step.http()
                Step<Exchange, End>(Echo()) { $0.greeting = "you asked" }
            }, logger: logger, eventLoops: 1)
        #expect(server.status == .idle)
        try await server.start()
        #expect(server.status == .running)
        await #expect(throws: StageError.self) { try await server.start() }

        let answer = try await ask(socket, "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n")
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

    private func ask(_ socket: String, _ request: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: socket) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var answer = ByteBuffer()
            for try await bytes in inbound { answer.writeImmutableBuffer(bytes) }
            return String(buffer: answer)
        }
    }
}
