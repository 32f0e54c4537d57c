import AsyncHTTPClient
package import ConfigurationLanguage
package import NIOCore
package import NIOHTTP1
package import Pipeline

/// What an endpoint answered, read to its end.
package struct ControlAnswer: Sendable {
    /// The three-digit status.
    package var status: Int
    /// The field `Retry-After`; nil where there is none.
    package var retryAfter: String?
    /// The body.
    package var body: ByteBuffer

    /// An answer that has come whole.
    package init(status: Int, retryAfter: String? = nil, body: ByteBuffer) {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
    }
}

/// Calls an endpoint of the control plane and gets its whole answer, or throws what kept it from that.
package protocol ControlTransport: Sendable {
    /// Sends a request without body, with the key as `x-api-key`. Throws if no answer has come within 20 seconds.
    func send(_ method: HTTPMethod, _ url: EndpointURL, key: Secret?) async throws -> ControlAnswer
    /// Nothing is sent afterwards.
    func shutdown() async
}

/// Calls endpoints with async-http-client.
package struct HTTPControlTransport: ControlTransport {
    /// The largest answer that is read, in bytes.
    private static let limit = 64 << 10
    private let client: HTTPClient

    /// A transport with connections of its own.
    package init(group: any EventLoopGroup) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(10)
        configuration.connectionPool.idleTimeout = .seconds(10)
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    /// Sends the request; an answer of more than 64 KiB is an error.
    package func send(_ method: HTTPMethod, _ url: EndpointURL, key: Secret?) async throws -> ControlAnswer {
        var request = HTTPClientRequest(url: url.text)
        request.method = method
        request.headers.add(name: "User-Agent", value: "fluidity-agent")
        request.headers.add(name: "Accept", value: "application/json")
        if let key { request.headers.add(name: "x-api-key", value: key.revealed) }
        if method == .POST { request.headers.add(name: "Content-Length", value: "0") }
        let response = try await client.execute(request, timeout: .seconds(20))
        return ControlAnswer(
            status: Int(response.status.code), retryAfter: response.headers.first(name: "Retry-After"),
            body: try await response.body.collect(upTo: Self.limit))
    }

    /// Closes the connections.
    package func shutdown() async { try? await client.shutdown() }
}
