public import HTTPMessages
import NIOCore
public import Pipeline
import Rehearsal

/// A request that a test sends: a head and a body in the parts in which it comes.
public struct TestRequest: Sendable {
    /// The request's head.
    public var head: RequestHead
    /// The parts of the body, in the order in which they are sent.
    public var parts: [String]
    /// The trailers (RFC 9110, 6.5); nil for none.
    public var trailers: HeaderFields?
    /// The names in the client's certificate, if it has one.
    public var certificate: PeerIdentity?

    /// - Parameter url: As a proxy's client writes it: `http://example.com/path`. A CONNECT has a host and a port instead.
    public init(
        _ method: String = "GET", _ url: String = "http://example.com/", fields: [(String, String)] = [], parts: [String] = [],
        trailers: HeaderFields? = nil, certificate: PeerIdentity? = nil
    ) {
        let isTunnel = method == "CONNECT"
        let scheme: Scheme = isTunnel ? .none : url.hasPrefix("https://") ? .https : .http
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let slash = isTunnel ? rest.endIndex : rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let path = rest[slash...]
        head = RequestHead(
            kind: isTunnel ? .tunnel : .plain, method: method, scheme: scheme, authority: String(rest[..<slash]),
            path: isTunnel ? "" : path.isEmpty ? "/" : path.hasPrefix("?") ? "/\(path)" : String(path),
            body: isTunnel || parts.isEmpty && trailers == nil
                ? .none : trailers == nil ? .known(Int64(parts.map(\.utf8.count).reduce(0, +))) : .unknown,
            fields: HeaderFields(fields))
        self.parts = parts
        self.trailers = trailers
        self.certificate = certificate
    }

    init(_ request: RehearsedRequest) {
        head = request.head
        parts = request.body.map { String(buffer: $0) }
        trailers = request.trailers
    }

    var rehearsed: RehearsedRequest {
        RehearsedRequest(head, body: parts.map { ByteBuffer(string: $0) }, trailers: trailers)
    }

    var client: RehearsedClient { RehearsedClient(certificate: certificate) }

    /// The whole body.
    public var body: String { parts.joined() }
}

/// A response that the origin of a test gives, or that its client got.
public struct TestResponse: Sendable {
    /// The final head.
    public var head: ResponseHead
    /// The parts of the body, in the order in which they come.
    public var parts: [String]
    /// The trailers (RFC 9110, 6.5); nil for none.
    public var trailers: HeaderFields?
    /// Why the response breaks off after its parts, if it does.
    public var failure: Failure?

    /// A response whose length is that of its parts, or unknown where it breaks off or has trailers.
    public init(
        _ status: Int = 200, fields: [(String, String)] = [], parts: [String] = [], trailers: HeaderFields? = nil,
        failure: Failure? = nil
    ) {
        let length = Int64(parts.map(\.utf8.count).reduce(0, +))
        head = ResponseHead(
            status: status, body: failure != nil || trailers != nil ? .unknown : .known(length), fields: HeaderFields(fields))
        self.parts = parts
        self.trailers = trailers
        self.failure = failure
    }

    init(_ response: RehearsedResponse) {
        head = response.head
        parts = response.body.map { String(buffer: $0) }
        trailers = response.trailers
        failure = response.failure
    }

    var rehearsed: RehearsedResponse {
        RehearsedResponse(head, body: parts.map { ByteBuffer(string: $0) }, trailers: trailers, failure: failure)
    }

    /// The status of the final head.
    public var status: Int { head.status }
    /// The whole body.
    public var body: String { parts.joined() }
}

/// What came of an exchange, seen from both ends.
public struct TestOutcome: Sendable {
    /// What the client got; nil if it got no final head.
    public var response: TestResponse?
    /// Whether the client has the whole response.
    public var isComplete: Bool
    /// Why the exchange didn't end well, if it didn't.
    public var failure: Failure?
    /// Who the exchange was from, as far as a stage has found out.
    public var identity: Identity?
    /// What the origin got: nothing, if a stage answered; several requests, if a stage tried more than once.
    public var reached: [TestRequest]
    /// The stage that ended the exchange, if it wasn't the origin.
    public var stage: String?

    /// The status that the client got; nil where it got no final head.
    public var status: Int? { response?.status }

    init(_ outcome: RehearsedOutcome) {
        response = outcome.response.map { TestResponse($0) }
        isComplete = outcome.isComplete
        failure = outcome.failure
        identity = outcome.identity
        reached = outcome.reached.map { TestRequest($0) }
        stage = outcome.stage
    }
}
