import HTTPMessages
import NIOCore
import Pipeline

/// The exchange's end of one stream: the client's side of it on the agent, the server's on the server. Confined to the session's loop.
/// One type for both, for what is generic over them would be compiled once, for any, and look up at each call what it deals with.
enum MuxEnd {
    case client(MuxClientStream)
    case server(MuxServerStream)

    var exchange: Exchange? {
        switch self {
        case .client(let stream): stream.exchange
        case .server(let stream): stream.exchange
        }
    }

    /// What is not passed on of a stream that is over, in bytes.
    var leftover: Int {
        switch self {
        case .client(let stream): stream.leftover.bytes
        case .server(let stream): stream.leftover.bytes
        }
    }

    func received(_ head: ResponseHead) {
        // Only a server answers: the session refuses a head that comes to one.
        if case .client(let stream) = self { stream.received(head) }
    }

    func received(_ reason: Failure) {
        if case .client(let stream) = self { stream.received(reason) }
    }

    func received(_ bytes: ByteBuffer) {
        switch self {
        case .client(let stream): stream.received(bytes)
        case .server(let stream): stream.received(bytes)
        }
    }

    func receivedEnd(_ trailers: HeaderFields?) {
        switch self {
        case .client(let stream): stream.receivedEnd(trailers)
        case .server(let stream): stream.receivedEnd(trailers)
        }
    }

    func wasReset(_ failure: Failure) {
        switch self {
        case .client(let stream): stream.wasReset(failure)
        case .server(let stream): stream.wasReset(failure)
        }
    }

    /// So many bytes that this end had sent have left for the peer.
    func hasSent(_ bytes: Int) {
        switch self {
        case .client(let stream): stream.hasSent(bytes)
        case .server(let stream): stream.hasSent(bytes)
        }
    }

    /// No more has come for now.
    func flush() {
        switch self {
        case .client(let stream): stream.flush()
        case .server(let stream): stream.flush()
        }
    }

    /// Whether the session takes data has changed. A client's bytes are bounded for each exchange, not for the session.
    func regulate() {
        if case .server(let stream) = self { stream.regulate() }
    }

    /// The stream's slot is no longer this end's: nothing more may be asked of the session but `settle`, with what is still held, when
    /// it is held no longer.
    func detach(_ holding: MuxHolding) {
        switch self {
        case .client(let stream): stream.detach(holding)
        case .server(let stream): stream.detach(holding)
        }
    }

    /// Nothing more will come: lets go of the exchange.
    func forget() {
        switch self {
        case .client(let stream): stream.forget()
        case .server(let stream): stream.forget()
        }
    }
}

@available(*, unavailable)
extension MuxEnd: Sendable {}
