/// How far the agent's end of a stream is, and what each event comes to. A value; `H2ClientStream` does what it says.
struct H2ClientStreamState: Equatable {
    /// Informational heads that one exchange may have.
    static let informationalLimit = 64

    /// What has been given to the connection.
    private enum Request: Equatable {
        /// Nothing: the server doesn't know of the stream.
        case unsent
        case sent
        case complete
        /// Nothing, and nothing will be: the exchange goes to another connection.
        case givenBack
    }

    private enum Response: Equatable {
        case informational(Int)
        case final
    }

    /// What to do with what is to be written.
    enum Write: Equatable {
        case go
        /// The connection takes no new streams any more: the exchange goes to another.
        case giveBack
        case nothing
    }

    /// What fields that come are.
    enum Fields: Equatable {
        case head
        case trailers
        /// Data alone goes through a tunnel (RFC 9113, 8.5).
        case violation
    }

    private var request = Request.unsent
    private var response = Response.informational(0)
    /// The channel hands over what it has, and reads on by itself after that.
    private(set) var isDelivering = false

    // MARK: - The request

    /// A part of the request is to be written; with it goes its head.
    /// - Parameter isLeaving: Whether the connection has heard GOAWAY: the library would end a stream that begins then.
    mutating func write(isLeaving: Bool) -> Write {
        switch request {
        case .givenBack: return .nothing
        case .sent, .complete: return .go
        case .unsent:
            request = isLeaving ? .givenBack : .sent
            return isLeaving ? .giveBack : .go
        }
    }

    /// What was written is to leave. There is nothing to be done once the request is complete: its end has left.
    mutating func flush(isLeaving: Bool) -> Write { request == .complete ? .nothing : write(isLeaving: isLeaving) }

    /// The request is complete. An exchange that asks for a WebSocket may say so twice: when its head is all that the client has to say, and
    /// when the WebSocket's half has ended.
    mutating func end(isLeaving: Bool) -> Write {
        let write = flush(isLeaving: isLeaving)
        if write == .go { request = .complete }
        return write
    }

    // MARK: - The response

    /// A turn of reading begins.
    mutating func beginDelivery() { isDelivering = true }

    /// A turn of reading is over.
    mutating func endDelivery() { isDelivering = false }

    /// Fields have come.
    /// - Parameter isTunnel: Whether the exchange is a tunnel that is open.
    func fields(isTunnel: Bool) -> Fields {
        guard response == .final else { return .head }
        return isTunnel ? .violation : .trailers
    }

    /// The head that came is an informational one. False if there are too many.
    mutating func receiveInformational() -> Bool {
        guard case .informational(let count) = response, count < Self.informationalLimit else { return false }
        response = .informational(count + 1)
        return true
    }

    /// The head that came is the final one.
    mutating func receiveFinal() { response = .final }
}
