import AWS
import AsyncHTTPClient
package import NIOCore
package import NIOHTTP1
package import Pipeline

/// Calls an endpoint of the control plane and gets its whole answer, or throws what kept it from that.
package protocol ControlTransport: Sendable {
    /// Sends a request without body, with these fields in place of others of their names. Throws if no answer has come within
    /// 20 seconds.
    func send(
        _ method: HTTPMethod, _ url: EndpointURL, fields: [(name: String, value: String)]
    ) async throws -> ControlAnswer
    /// Nothing is sent afterwards.
    func shutdown() async
}

/// What an endpoint of the control plane has answered.
package struct ControlAnswer: Sendable {
    /// The response's status.
    package var status: Int
    /// In how many seconds the endpoint wants to be asked again, where it says so.
    package var retryAfter: Double?
    /// The response's body.
    package var body: ByteBuffer
    /// What would be read from the body, where nobody has written one.
    package var value: (any Sendable)?

    /// An answer.
    ///
    /// - Parameter retryAfter: The value of `Retry-After`; what is no number of seconds counts for nothing.
    package init(status: Int, retryAfter: String?, body: ByteBuffer) {
        self.status = status
        self.retryAfter = retryAfter.flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil }
        self.body = body
    }

    /// The answer with status 200 of a control plane in the same process, `ControlClient.Wake` or `ControlClient.Status`. Only a model has
    /// one.
    package init(_ value: any Sendable) {
        status = 200
        body = ByteBuffer()
        self.value = value
    }
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

    /// The same connections, for what AWS itself is asked.
    var forAWS: any AWSTransport { HTTPTransport(client: client) }

    /// Sends the request; an answer of more than 64 KiB is an error.
    package func send(
        _ method: HTTPMethod, _ url: EndpointURL, fields: [(name: String, value: String)]
    ) async throws -> ControlAnswer {
        var request = HTTPClientRequest(url: url.text)
        request.method = method
        request.headers.add(name: "User-Agent", value: "fluidity-agent")
        request.headers.add(name: "Accept", value: "application/json")
        if method == .POST { request.headers.add(name: "Content-Length", value: "0") }
        for (name, value) in fields { request.headers.replaceOrAdd(name: name, value: value) }
        let response = try await client.execute(request, timeout: .seconds(20))
        return ControlAnswer(
            status: Int(response.status.code), retryAfter: response.headers.first(name: "Retry-After"),
            body: try await response.body.collect(upTo: Self.limit))
    }

    /// Closes the connections.
    package func shutdown() async { try? await client.shutdown() }
}
