import AsyncHTTPClient
import ConfigurationLanguage
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
package import Pipeline
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A collector that is sent to by OTLP/HTTP, on a thread of its own: whatever it does, no loop of the pipeline has to do with it.
package final class OTLPCollector: Sendable {
    /// What became of an attempt.
    package enum Outcome: Sendable, Equatable {
        /// It has taken what was sent.
        case taken
        /// It may take it later: it is away, late or busy. Why, for people.
        case later(String)
        /// It won't take this. Why, for people.
        case never(String)
    }

    /// How long an attempt may take, the answer's body included.
    private static let patience = Duration.seconds(10)
    /// What is read of an answer, in bytes, so that its connection can be used again.
    private static let limit = 64 << 10

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
        if let file = getenv("SSL_CERT_FILE").map({ String(cString: $0) }), !file.isEmpty {
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
        return await withTaskGroup(of: Outcome.self) { [request] group in
            group.addTask { await self.attempt(request) }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return .later("it hasn't answered in \(Self.patience.components.seconds) s")
            }
            let first = await group.next() ?? .later("nothing was sent")
            group.cancelAll()
            return first
        }
    }

    private func attempt(_ request: HTTPClientRequest) async -> Outcome {
        do {
            let response = try await client.execute(request, timeout: .seconds(Self.patience.components.seconds))
            var read = 0
            // What it says is of no interest, and one that goes on and on is left.
            do {
                for try await part in response.body {
                    read += part.readableBytes
                    if read > Self.limit { break }
                }
            } catch {}
            let code = response.status.code
            switch code {
            case 200..<300: return .taken
            // OTLP 1, "Retryable Response Codes"; and 408, which says the same.
            case 408, 429, 502, 503, 504: return .later("it answers with \(code)")
            default: return .never("it answers with \(code)")
            }
        } catch {
            return .later(ConnectionFailure.words(for: error))
        }
    }

    /// Closes its connections, and ends the thread.
    package func close() async {
        try? await client.shutdown()
        try? await group.shutdownGracefully()
    }
}
