import AsyncHTTPClient
import ConfigurationLanguage
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import Pipeline
import Platform
import Synchronization

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A collector that is sent to by OTLP/HTTP, on a thread of its own: whatever it does, no loop of the pipeline has to do with it.
package final class OTLPCollector: Sendable {
    /// What became of an attempt.
    package enum Outcome: Sendable, Equatable {
        /// It has taken what was sent, but for so many spans or metrics.
        case taken(rejected: Int)
        /// It may take it later: it is away, late or busy. Why, for people; and after how long, where it says so.
        case later(String, after: Duration? = nil)
        /// It won't take this. Why, for people.
        case never(String)
    }

    /// How long an attempt may take, the answer's body included. What becomes of it is known from the answer's head on.
    private static let patience = Duration.seconds(10)
    /// What is read of an answer, in bytes.
    private static let limit = 64 << 10

    /// It is tried again in this time at the latest, whatever the collector says.
    private static let longestPause = 60

    /// What an attempt has come to, before its answer is complete.
    private final class Noted: Sendable {
        let outcome = Mutex<Outcome?>(nil)
    }

    /// What OTLP answers with, as far as it is of use. 64-bit numbers are texts in ProtoJSON, or numbers.
    private struct Answer: Decodable {
        struct Partial: Decodable {
            var rejected: Int

            init(from decoder: any Decoder) throws {
                let values = try decoder.container(keyedBy: Key.self)
                rejected = 0
                for key in [Key.rejectedSpans, .rejectedDataPoints] {
                    let text = try? values.decode(String.self, forKey: key)
                    rejected = max(rejected, text.flatMap { Int($0) } ?? (try? values.decode(Int.self, forKey: key)) ?? 0)
                }
            }

            enum Key: String, CodingKey { case rejectedSpans, rejectedDataPoints }
        }

        var partialSuccess: Partial?
    }

    private let client: HTTPClient
    private let group: MultiThreadedEventLoopGroup
    private let base: String
    private let fields: [(name: String, value: String)]

    /// A collector; it isn't spoken to yet.
    package init(_ url: EndpointURL, fields: FieldList) {
        base = url.text.hasSuffix("/") ? String(url.text.dropLast()) : url.text
        self.fields = fields.fields.list
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.idleTimeout = .seconds(60)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        if let file = SystemTrust.file {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(file)
            configuration.tlsConfiguration = tls
        }
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    /// Sends a message to the path of a signal, `/v1/traces` say. Returns in about ten seconds at most, or when the task is cancelled.
    package func send(_ body: [UInt8], to path: String) async -> Outcome {
        var request = HTTPClientRequest(url: base + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "User-Agent", value: "fluidity/\(ProgramVersion.number)")
        for (name, value) in fields { request.headers.replaceOrAdd(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let noted = Noted()
        return await withTaskGroup(of: Outcome.self) { [request] group in
            group.addTask { await self.attempt(request, noted) }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return noted.outcome.withLock { $0 } ?? .later("it hasn't answered in \(Self.patience.components.seconds) s")
            }
            let first = await group.next() ?? .later("nothing was sent")
            group.cancelAll()
            return first
        }
    }

    private func attempt(_ request: HTTPClientRequest, _ noted: Noted) async -> Outcome {
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: .seconds(Self.patience.components.seconds))
        } catch {
            return .later(ConnectionFailure.words(for: error))
        }
        let outcome = Self.outcome(of: response)
        noted.outcome.withLock { $0 = outcome }
        var body: [UInt8] = []
        // One that goes on and on is left, and one that breaks off has said by its head what counts.
        do {
            for try await part in response.body {
                body += part.readableBytesView
                if body.count > Self.limit { return outcome }
            }
        } catch { return outcome }
        guard case .taken = outcome else { return outcome }
        return .taken(rejected: Self.rejected(in: body))
    }

    private static func outcome(of response: HTTPClientResponse) -> Outcome {
        let code = response.status.code
        switch code {
        case 200..<300: return .taken(rejected: 0)
        // OTLP 1, "Retryable Response Codes"; and 408, which says the same.
        case 408, 429, 502, 503, 504:
            // As a date nobody's clock would be right.
            let pause = response.headers.first(name: "Retry-After").flatMap { Int($0) }
            return .later("it answers with \(code)", after: pause.map { .seconds(min(max($0, 0), longestPause)) })
        default: return .never("it answers with \(code)")
        }
    }

    /// How many spans or points an answer says weren't taken; 0 for what says nothing that can be read.
    static func rejected(in body: [UInt8]) -> Int {
        guard !body.isEmpty, let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else { return 0 }
        return max(0, answer.partialSuccess?.rejected ?? 0)
    }

    /// Closes its connections, and ends the thread. What takes longer than the limit, a connection that is being made say, goes on by itself.
    package func close(within limit: Duration) async {
        let (ended, end) = AsyncStream<Void>.makeStream()
        let (client, group) = (client, group)
        Task {
            try? await client.shutdown()
            try? await group.shutdownGracefully()
            end.finish()
        }
        let timer = Task {
            try? await Task.sleep(for: limit)
            end.finish()
        }
        for await _ in ended {}
        timer.cancel()
    }
}
