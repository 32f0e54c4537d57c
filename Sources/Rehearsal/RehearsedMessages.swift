package import HTTPMessages
package import NIOCore
package import Pipeline

/// Who a rehearsed request comes from.
package struct RehearsedClient: Sendable {
    package var remote: String
    package var certificate: PeerIdentity?

    package init(remote: String = "192.0.2.1:50000", certificate: PeerIdentity? = nil) {
        self.remote = remote
        self.certificate = certificate
    }
}

/// A request in parts.
package struct RehearsedRequest: Sendable, Equatable {
    package var head: RequestHead
    package var body: [ByteBuffer]
    package var trailers: HeaderFields?
    /// Whether its end has come.
    package var isComplete = false

    package init(_ head: RequestHead, body: [ByteBuffer] = [], trailers: HeaderFields? = nil) {
        self.head = head
        self.body = body
        self.trailers = trailers
    }
}

/// A response in parts; with a failure, one that breaks off after them.
package struct RehearsedResponse: Sendable, Equatable {
    package var head: ResponseHead
    package var body: [ByteBuffer]
    package var trailers: HeaderFields?
    package var failure: Failure?

    package init(
        _ head: ResponseHead, body: [ByteBuffer] = [], trailers: HeaderFields? = nil, failure: Failure? = nil
    ) {
        self.head = head
        self.body = body
        self.trailers = trailers
        self.failure = failure
    }
}

/// What came of an exchange.
package struct RehearsedOutcome: Sendable {
    package var response: RehearsedResponse?
    package var informational: [ResponseHead]
    /// Whether the client has the whole response.
    package var isComplete: Bool
    package var failure: Failure?
    package var identity: Identity?
    /// What the origin got, for each attempt.
    package var reached: [RehearsedRequest]
    /// Why attempts were taken back from the origin.
    package var cancelled: [Failure]
    /// Request bytes that were reported to the client as passed on.
    package var credit: Int
    /// The stage that ended the exchange, if it wasn't the origin, and its place in the list, from 0.
    package var stage: String?
    package var stageIndex: Int?
}

extension [ByteBuffer] {
    /// The parts in one text; bytes that are not UTF-8 are shown as U+FFFD.
    package var text: String {
        var all = ByteBuffer()
        for part in self { all.writeImmutableBuffer(part) }
        return String(buffer: all)
    }
}
