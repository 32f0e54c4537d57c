import NIOCore
import Pipeline

/// Where a SOCKS client's connection stands. A value without channel and clock: it gets what happened, and returns what is to be done.
struct SOCKSState {
    private enum Phase {
        case negotiating(SOCKSNegotiation)
        /// The request was passed on; its reply has not come yet, or was that the bytes flow.
        case tunnel(Exchange)
        /// The last reply is written; what the client still sends is thrown away.
        case refused(Exchange?)
        case over
    }

    /// What is done with bytes that were read.
    enum OnRead: Equatable {
        case negotiate
        case passOn
        case drop
    }

    /// The client says nothing more.
    enum OnInputClosed: Equatable {
        /// Its half of a tunnel has ended.
        case endTunnel
        /// Who doesn't wait for the answer has left.
        case leave
        case close
    }

    private var phase: Phase
    private(set) var isInputClosed = false

    init(_ negotiation: SOCKSNegotiation) { phase = .negotiating(negotiation) }

    var exchange: Exchange? {
        switch phase {
        case .tunnel(let exchange): exchange
        case .refused(let exchange): exchange
        case .negotiating, .over: nil
        }
    }

    var isNegotiating: Bool { if case .negotiating = phase { true } else { false } }
    /// Whether bytes go to the client, once it has its reply.
    var isTunnel: Bool { if case .tunnel = phase { true } else { false } }
    /// What the client said of itself.
    var user: SOCKSNegotiation.User? { if case .negotiating(let negotiation) = phase { negotiation.user } else { nil } }

    mutating func read(_ bytes: ByteBuffer) -> OnRead {
        switch phase {
        case .negotiating(var negotiation):
            // One holder alone, or what is there already would be copied.
            phase = .over
            negotiation.append(bytes)
            phase = .negotiating(negotiation)
            return .negotiate
        case .tunnel: return .passOn
        case .refused, .over: return .drop
        }
    }

    /// The next step of the negotiation, or nil if more bytes are needed, or it is over.
    mutating func next() -> SOCKSNegotiation.Step? {
        guard case .negotiating(var negotiation) = phase else { return nil }
        phase = .over
        let step = negotiation.next()
        phase = .negotiating(negotiation)
        return step
    }

    /// The client has said where it wants to go. The result is what it has sent ahead.
    mutating func begin(_ exchange: Exchange) -> ByteBuffer {
        guard case .negotiating(var negotiation) = phase else { return ByteBuffer() }
        phase = .tunnel(exchange)
        return negotiation.takeRest()
    }

    /// The last reply is written.
    mutating func refuse() { phase = .refused(exchange) }

    mutating func inputClosed() -> OnInputClosed {
        isInputClosed = true
        guard case .tunnel(let exchange) = phase else { return .close }
        return exchange.response == nil ? .leave : .endTunnel
    }

    /// The connection goes, or nothing is to be said of the exchange. The result is the exchange.
    mutating func end() -> Exchange? {
        defer { phase = .over }
        return exchange
    }
}

@available(*, unavailable)
extension SOCKSState: Sendable {}
