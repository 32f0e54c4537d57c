/// How far the server's end of a stream is, and what each event comes to. A value; `H2ServerStream` does what it says.
struct H2ServerStreamState: Equatable {
    private enum Request: Equatable {
        case awaited
        case begun
        case complete
    }

    /// What fields that come are.
    enum Fields: Equatable {
        case head
        case trailers
        /// Data alone goes through a tunnel (RFC 9113, 8.5).
        case violation
    }

    /// How a response ends.
    enum End: Equatable {
        case end
        /// What the client still sends is of no use to anybody. It is told so when it has the whole answer (RFC 9113, 8.1).
        case endAndDismiss
    }

    private var request = Request.awaited
    /// Whether the response is complete: nothing more is written.
    private(set) var isResponseComplete = false
    /// The channel hands over what it has, and reads on by itself after that.
    private(set) var isDelivering = false

    /// Whether the client's head has come.
    var hasBegun: Bool { request != .awaited }

    /// A turn of reading begins.
    mutating func beginDelivery() { isDelivering = true }

    /// A turn of reading is over.
    mutating func endDelivery() { isDelivering = false }

    /// Fields have come.
    /// - Parameters:
    ///   - isLast: Whether the client says that nothing comes behind them.
    ///   - isTunnel: Whether the exchange that has begun is a tunnel.
    mutating func receive(isLast: Bool, isTunnel: Bool) -> Fields {
        guard request == .awaited else { return isTunnel ? .violation : .trailers }
        request = isLast ? .complete : .begun
        return .head
    }

    /// The client has said everything.
    mutating func requestEnded() { request = .complete }

    /// The response is complete.
    /// - Parameter opensTunnel: Whether it was an open tunnel, whose other half goes on.
    mutating func end(opensTunnel: Bool = false) -> End {
        isResponseComplete = true
        return opensTunnel || request == .complete ? .end : .endAndDismiss
    }
}
