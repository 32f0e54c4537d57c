import HTTPMessages
import Pipeline

/// Where a connection to an origin stands with the exchange whose turn it is. A value without channel and clock: it gets what happened, and
/// returns what is to be done.
struct UpstreamState {
    private enum Phase {
        /// It isn't the pool's: of several that are tried one is taken.
        case connecting
        case idle
        case answering(Exchange, UpstreamTurn)
        /// The response is complete; whether anything follows it shows at the end of the loop's turn.
        case answered(Exchange, UpstreamTurn, trailers: HeaderFields?)
        /// Raw bytes both ways. Quiet: nothing has passed since the clock was last looked at.
        case tunnel(Exchange, isQuiet: Bool)
        /// Its exchange is gone, and its own end follows: what is read is nobody's.
        case abandoned
        case closed
    }

    /// How long what comes next may take.
    enum Wait: Equatable {
        case asBefore
        /// For as long as the client takes: while it is what is waited for, the origin isn't silent.
        case unlimited
        /// The handshake of TLS is a part of connecting.
        case connection
        case firstByte
        case more
        case tunnel
    }

    /// What is done with bytes that were read.
    enum OnRead: Equatable {
        case parse
        /// They may be nobody's: that shows at the end of the turn.
        case keep
        case passOn
        case drop
        /// They came without a question.
        case discard
    }

    /// The origin says nothing more.
    enum OnInputClosed: Equatable {
        /// For some responses it is their end.
        case endResponse
        case complete
        case endTunnel
        case discard
    }

    /// A deadline is over.
    enum OnExpiry: Equatable {
        case fail(isAnswering: Bool)
        case failSilent
        case watchTunnel
        case discard
    }

    /// The connection is no more.
    enum OnClosed: Equatable {
        case nothing
        /// It has carried nothing that anybody waits for.
        case leave
        /// The request is sent anew, on a connection that has this one's place.
        case retry
        case complete(trailers: HeaderFields?)
        /// Both halves of a tunnel may have ended as they should.
        case completeTunnel
        case abort
    }

    private var phase = Phase.connecting
    /// There is no TLS, or its handshake is over.
    private(set) var isSecured: Bool
    private(set) var isInputClosed = false
    /// TLS was closed by somebody who may not be the origin.
    private(set) var isTorn = false

    init(isSecured: Bool) { self.isSecured = isSecured }

    /// The exchange whose turn it is.
    var exchange: Exchange? {
        switch phase {
        case .answering(let exchange, _), .answered(let exchange, _, _), .tunnel(let exchange, _): exchange
        case .connecting, .idle, .abandoned, .closed: nil
        }
    }

    /// Whether a response is awaited or read.
    var isAnswering: Bool { if case .answering = phase { true } else { false } }
    /// Whether the final response's head has come.
    var hasResponseBegun: Bool { if case .answering(_, let turn) = phase { turn.hasResponseBegun } else { false } }
    var isTunnel: Bool { if case .tunnel = phase { true } else { false } }
    var isAnswered: Bool { if case .answered = phase { true } else { false } }
    var isIdle: Bool { if case .idle = phase { true } else { false } }

    // MARK: - An exchange's turn

    mutating func connected() { phase = .idle }

    /// False if the connection can't serve it.
    mutating func begin(_ exchange: Exchange, isReused: Bool) -> Bool {
        guard isIdle else { return false }
        phase =
            exchange.request.kind == .tunnel
            ? .tunnel(exchange, isQuiet: false) : .answering(exchange, UpstreamTurn(isReused: isReused))
        return true
    }

    /// Nothing of the exchange has gone out: its turn is over.
    mutating func refused() { if isAnswering { phase = .idle } }

    /// All that the client has to say was given to the connection.
    mutating func requestEnded() {
        guard case .answering(let exchange, var turn) = phase else { return }
        turn.isRequestComplete = true
        phase = .answering(exchange, turn)
    }

    /// False when there were too many.
    mutating func receivedInformational() -> Bool {
        guard case .answering(let exchange, var turn) = phase else { return false }
        let isTaken = turn.receivedInformational()
        phase = .answering(exchange, turn)
        return isTaken
    }

    mutating func receivedHead(keepsAlive: Bool, opensTunnel: Bool) {
        guard case .answering(let exchange, var turn) = phase else { return }
        turn.receivedHead(keepsAlive: keepsAlive)
        phase = opensTunnel ? .tunnel(exchange, isQuiet: false) : .answering(exchange, turn)
    }

    mutating func receivedEnd(_ trailers: HeaderFields?) {
        guard case .answering(let exchange, let turn) = phase else { return }
        phase = .answered(exchange, turn, trailers: trailers)
    }

    /// The turn is over, and all that came with the response was read.
    ///
    /// - Parameter isClean: Nothing is on its way to the origin, and nothing came behind the response.
    /// - Returns: The exchange, how its response ends, and whether the connection can serve another; nil if there is none to end.
    mutating func finishTurn(isClean: Bool) -> (exchange: Exchange, trailers: HeaderFields?, isReusable: Bool)? {
        guard case .answered(let exchange, let turn, let trailers) = phase else { return nil }
        phase = .idle
        return (exchange, trailers, isClean && !isInputClosed && turn.leavesConnection(after: exchange.request))
    }

    /// The exchange goes on without the connection, which is of no use to another. The result is the exchange.
    mutating func abandon() -> Exchange? {
        guard let exchange else { return nil }
        phase = .abandoned
        return exchange
    }

    // MARK: - From the connection

    mutating func read() -> OnRead {
        switch phase {
        case .tunnel:
            touch()
            return .passOn
        case .answering: return .parse
        case .idle: return .discard
        case .answered: return .keep
        case .connecting, .abandoned, .closed: return .drop
        }
    }

    /// Something passed in a tunnel.
    mutating func touch() {
        if case .tunnel(let exchange, isQuiet: true) = phase { phase = .tunnel(exchange, isQuiet: false) }
    }

    /// TLS has been agreed on. The result is how long the origin may take now.
    mutating func secured(isReading: Bool) -> Wait {
        isSecured = true
        return waitForHead(isReading: isReading, hasDeadline: false)
    }

    /// TLS has ended without a goodbye.
    mutating func tore() { isTorn = true }

    mutating func inputClosed() -> OnInputClosed {
        isInputClosed = true
        switch phase {
        case .answering: return .endResponse
        case .answered: return .complete
        case .tunnel: return .endTunnel
        case .connecting, .idle, .abandoned, .closed: return .discard
        }
    }

    mutating func expired() -> OnExpiry {
        switch phase {
        case .answering(_, let turn): return .fail(isAnswering: turn.hasResponseBegun)
        case .tunnel(_, isQuiet: true): return .failSilent
        case .tunnel(let exchange, isQuiet: false):
            phase = .tunnel(exchange, isQuiet: true)
            return .watchTunnel
        case .connecting, .idle, .answered, .abandoned, .closed: return .discard
        }
    }

    mutating func closed(because cause: Cause) -> OnClosed {
        let before = phase
        switch before {
        case .connecting, .closed: return .nothing
        case .idle, .answering, .answered, .tunnel, .abandoned: phase = .closed
        }
        switch before {
        case .answering(let exchange, let turn) where !exchange.hasEnded:
            return cause != .protocolError && turn.mayRetry(exchange.request) ? .retry : .abort
        case .answered(let exchange, _, let trailers) where !exchange.hasEnded: return .complete(trailers: trailers)
        case .tunnel(let exchange, _) where !exchange.hasEnded: return cause == .end ? .completeTunnel : .abort
        default: return .leave
        }
    }

    /// Why a connection has ended.
    enum Cause: Equatable {
        case end
        /// The kernel says that it broke.
        case connectionError
        /// TLS, or what speaks over it.
        case protocolError
    }

    // MARK: - How long

    /// Something of the request was written, or reading goes on, before the response's head.
    func waitForHead(isReading: Bool, hasDeadline: Bool) -> Wait {
        guard case .answering(_, let turn) = phase, !turn.hasResponseBegun, isReading else { return .asBefore }
        guard isSecured else { return hasDeadline ? .asBefore : .connection }
        return .firstByte
    }

    /// Nobody could be blamed for the silence: its time begins anew.
    func again(isReading: Bool) -> Wait {
        isTunnel ? .tunnel : wait(isReading: isReading, hasDeadline: false)
    }

    /// Reading goes on, or has to stop.
    func wait(isReading: Bool, hasDeadline: Bool) -> Wait {
        guard case .answering(_, let turn) = phase else { return .asBefore }
        if !isReading { return .unlimited }
        if turn.hasResponseBegun { return .more }
        return hasDeadline ? .asBefore : waitForHead(isReading: true, hasDeadline: false)
    }
}

@available(*, unavailable)
extension UpstreamState: Sendable {}
