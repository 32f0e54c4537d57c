/// How far the two directions of a WebSocket have ended that carries a connection. A value.
///
/// A close frame says that nothing more comes from its side (RFC 6455, 5.5.1), as the end of a half does in TCP. Who gets one may still send
/// what he has to before he answers with his own, and after both there is nothing more.
struct WebSocketEnds: Equatable {
    private enum State {
        /// The handshake isn't over.
        case opening
        case open
        /// Our close frame is out.
        case outputEnded
        /// The other side's has come.
        case inputEnded
        case over
    }

    /// What is to be done.
    enum Action: Equatable {
        case nothing
        /// A close frame with the code.
        case tell(Int)
        /// The same, and then the connection is closed, at once.
        case tellAndEnd(Int)
        /// The same, behind everything that was written.
        case tellBehindWritesAndEnd(Int)
        /// The connection is closed.
        case end
        /// Whoever reads is told that nothing more comes.
        case endInput
        /// The same, and the connection is closed.
        case endInputAndConnection
        /// Whoever uses the connection is told that it is lost, and it is closed.
        case lose
    }

    /// Nothing more comes: what there was is complete (RFC 6455, 7.4.1).
    static let normal = 1000
    /// A close frame had no code.
    static let none = 1005

    private var state = State.opening

    /// Whether what the other side says counts.
    var reads: Bool { state == .open || state == .outputEnded }
    /// Whether something can still be said.
    var writes: Bool { state == .open || state == .inputEnded }

    /// The handshake is over.
    mutating func opened() { if state == .opening { state = .open } }

    /// Nothing more is to be written.
    mutating func endOutput() -> Action {
        switch state {
        case .open:
            state = .outputEnded
            return .tell(Self.normal)
        case .inputEnded:
            state = .over
            return .tellBehindWritesAndEnd(Self.normal)
        case .opening:
            state = .over
            return .end
        case .outputEnded, .over: return .nothing
        }
    }

    /// The connection is to be closed.
    ///
    /// - Parameter isReset: Whether the other side must not take what it has for the whole.
    mutating func close(isReset: Bool) -> Action {
        defer { state = .over }
        return writes && !isReset ? .tellAndEnd(Self.normal) : .end
    }

    /// A close frame has come.
    ///
    /// - Parameter mayWrite: Whether somebody may still want to say something, as where a connection's half may be ended.
    mutating func inputEnded(_ code: Int, mayWrite: Bool) -> Action {
        guard reads else { return .nothing }
        guard Self.isComplete(code) else {
            state = .over
            return .lose
        }
        switch state {
        case .open where mayWrite:
            state = .inputEnded
            return .endInput
        case .open:
            state = .over
            return .tellAndEnd(Self.normal)
        case .opening, .outputEnded, .inputEnded, .over:
            state = .over
            return .endInputAndConnection
        }
    }

    /// What came is no WebSocket.
    mutating func violated(_ violation: WebSocketViolation) -> Action {
        defer { state = .over }
        return writes ? .tellAndEnd(Int(violation.code)) : .end
    }

    /// The connection beneath has ended, and nobody said so in the WebSocket unless that was before.
    mutating func transportEnded() -> Action {
        guard reads else { return .nothing }
        state = .over
        return .lose
    }

    /// Whether a code says that the other side has said all that it had to (RFC 6455, 7.4.1).
    static func isComplete(_ code: Int) -> Bool { [normal, 1001, none].contains(code) }
}
