package import AsyncHTTPClient
package import NIOCore
import NIOHTTP1

/// Sends requests with async-http-client.
package struct HTTPTransport: AWSTransport {
    /// The largest answer that is read, in bytes: far above what these operations answer with.
    private static let limit = 4 << 20

    private let client: HTTPClient

    /// A transport with a client of the caller's, who shuts it down.
    package init(client: HTTPClient) {
        self.client = client
    }

    /// A client for calls to services: no redirects, which a signature wouldn't survive, and connections that are kept for a
    /// short time only.
    package static func makeClient(on group: any EventLoopGroup) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.idleTimeout = .seconds(20)
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
    }

    /// Sends the request with the `Host` that was signed. Throws for an answer whose body is over 4 MiB.
    package func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
        var outgoing = HTTPClientRequest(url: "\(request.url)")
        outgoing.method = HTTPMethod(rawValue: request.method)
        for field in request.fields { outgoing.headers.add(name: field.name, value: field.value) }
        // The signature covers it: it is said here as it was signed.
        outgoing.headers.replaceOrAdd(name: "Host", value: request.url.host)
        if !request.body.isEmpty { outgoing.body = .bytes(ByteBuffer(bytes: request.body)) }
        let response = try await client.execute(outgoing, deadline: deadline)
        let body = try await response.body.collect(upTo: Self.limit)
        return AWSResponse(
            status: Int(response.status.code), fields: response.headers.map { (name: $0.name, value: $0.value) },
            body: Array(body.readableBytesView))
    }
}
