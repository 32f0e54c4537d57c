import Pipeline

/// Where a connection stands that is carried to a fixed place. A value without channel and clock: it gets what happened, and returns what is
/// to be done.
struct ForwardState {
    private enum Phase {
        /// Nothing is known of the client yet: a stage before this one holds the connection back.
        case waiting
        /// The exchange has no answer yet.
        case asked(Exchange)
        case tunnel(Exchange)
        case over
    }

    /// What becomes of an answer's head.
    enum OnAnswer: Equatable {
        /// The bytes flow. Whether the client has said all that it has to say, which the other end is told now.
        case flow(isInputClosed: Bool)
        /// The client is to see that there is no way.
        case reset
        case nothing
    }

    /// The client says nothing more.
    enum OnInputClosed: Equatable {
        /// Its half of the tunnel has ended.
        case endTunnel
        /// It doesn't know that there is a tunnel, and may well have said all: it is told when the tunnel is there.
        case wait
        case close
    }

    private var phase = Phase.waiting
    private(set) var isInputClosed = false

    var exchange: Exchange? {
        switch phase {
        case .asked(let exchange), .tunnel(let exchange): exchange
        case .waiting, .over: nil
        }
    }

    var isWaiting: Bool { if case .waiting = phase { true } else { false } }
    var isTunnel: Bool { if case .tunnel = phase { true } else { false } }

    mutating func begin(_ exchange: Exchange) { phase = .asked(exchange) }

    mutating func answered(_ status: Int) -> OnAnswer {
        guard case .asked(let exchange) = phase else { return .nothing }
        guard (200..<300).contains(status) else { return .reset }
        phase = .tunnel(exchange)
        return .flow(isInputClosed: isInputClosed)
    }

    mutating func inputClosed() -> OnInputClosed {
        isInputClosed = true
        switch phase {
        case .asked: return .wait
        case .tunnel: return .endTunnel
        case .waiting, .over: return .close
        }
    }

    /// The connection goes, or nothing is to be said of the exchange. The result is the exchange.
    mutating func end() -> Exchange? {
        defer { phase = .over }
        return exchange
    }
}

@available(*, unavailable)
extension ForwardState: Sendable {}
