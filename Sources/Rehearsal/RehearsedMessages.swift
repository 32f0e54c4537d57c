package import HTTPMessages
package import NIOCore
package import Pipeline

/// Who a rehearsed request comes from.
package struct RehearsedClient: Sendable {
    /// The client's address and port, as logs have it.
    package var remote: String
    /// Who the client is by its certificate; nil for one without.
    package var certificate: PeerIdentity?
    /// What it says to this program to prove who it is.
    package var credentials: Credentials?
    /// What this program is to it.
    package var role = ClientRole.relay

    /// A client of an address for documentation (RFC 5737), if no other is given.
    package init(remote: String = "192.0.2.1:50000", certificate: PeerIdentity? = nil) {
        self.remote = remote
        self.certificate = certificate
    }
}

/// A request in parts.
package struct RehearsedRequest: Sendable, Equatable {
    /// The request's head.
    package var head: RequestHead
    /// The parts of the body, in order.
    package var body: [ByteBuffer]
    /// The trailers (RFC 9110, 6.5); nil for none.
    package var trailers: HeaderFields?
    /// Whether its end has come.
    package var isComplete = false

    /// A request that isn't marked as complete.
    package init(_ head: RequestHead, body: [ByteBuffer] = [], trailers: HeaderFields? = nil) {
        self.head = head
        self.body = body
        self.trailers = trailers
    }
}

/// A response in parts; with a failure, one that breaks off after them.
package struct RehearsedResponse: Sendable, Equatable {
    /// The final head.
    package var head: ResponseHead
    /// The parts of the body, in order.
    package var body: [ByteBuffer]
    /// The trailers (RFC 9110, 6.5); nil for none.
    package var trailers: HeaderFields?
    /// Why the response breaks off after its parts; nil for one that is whole.
    package var failure: Failure?

    /// A response in parts.
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
    /// What the client got; nil where it got no final head.
    package var response: RehearsedResponse?
    /// The informational heads (1xx) that the client got, in order.
    package var informational: [ResponseHead]
    /// Whether the client has the whole response.
    package var isComplete: Bool
    /// Why the exchange didn't end well; nil where it did.
    package var failure: Failure?
    /// Who the exchange was from, as far as a stage has found out.
    package var identity: Identity?
    /// The branch that took it; nil where the list has none.
    package var route: String?
    /// What the origin got, for each attempt.
    package var reached: [RehearsedRequest]
    /// Why attempts were taken back from the origin.
    package var cancelled: [Failure]
    /// Request bytes that were reported to the client as passed on.
    package var credit: Int
    /// The stage that ended the exchange, if it wasn't the origin, and its place in the list, from 0.
    package var stage: String?
    /// The place of `stage` in the list, from 0; nil where that is nil.
    package var stageIndex: Int?
    /// What the stages said, in the order in which the exchange came to them; places are those of the list that they are from.
    package var verdicts: [StageVerdict] = []
}

extension [ByteBuffer] {
    /// The parts in one text; bytes that are not UTF-8 are shown as U+FFFD.
    package var text: String {
        var all = ByteBuffer()
        for part in self { all.writeImmutableBuffer(part) }
        return String(buffer: all)
    }
}
