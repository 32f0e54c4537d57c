/// Why an exchange could not be completed: a code that crosses the tunnel, and a sentence for a person.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is: what the client's status, the `Proxy-Status` field and the other end of the tunnel are told.
    public var code: Code
    /// The sentence for a person, which is also the body of the response.
    public var message: String
    /// Since when it is so, in seconds of the Unix epoch; nil where that isn't known, or only now.
    public var since: Int?

    /// A failure with its code, and a sentence for a person that has no line end.
    public init(_ code: Code, _ message: String, since: Int? = nil) {
        self.code = code
        self.message = message
        self.since = since
    }

    public var description: String { message }

    /// A reason code of `docs/protocol.md`, section "Reason codes": one of `Reason`, or one that only the other end knows.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        private init(_ reason: Reason) { rawValue = reason.rawValue }

        /// Nil for a code that this program doesn't know.
        public var reason: Reason? { Reason(rawValue: rawValue) }

        /// `Reason.none`: no reason was given.
        public static let none = Code(.none)
        /// `Reason.cancelled`: the other side no longer wants the exchange.
        public static let cancelled = Code(.cancelled)
        /// `Reason.protocolViolation`: a peer broke the rules of its protocol.
        public static let protocolViolation = Code(.protocolViolation)
        /// `Reason.flowControl`: more was sent than the window allowed.
        public static let flowControl = Code(.flowControl)
        /// `Reason.tooLarge`: a frame or head was larger than allowed.
        public static let tooLarge = Code(.tooLarge)
        /// `Reason.excessive`: a peer asked for more than its share of work.
        public static let excessive = Code(.excessive)
        /// `Reason.refused`: nothing of the exchange was processed, so that it can be sent again.
        public static let refused = Code(.refused)
        /// `Reason.draining`: the peer is going away.
        public static let draining = Code(.draining)
        /// `Reason.tunnelLost`: the connection to the other end of the tunnel was lost.
        public static let tunnelLost = Code(.tunnelLost)
        /// `Reason.tunnelDown`: there is no connection to the other end of the tunnel.
        public static let tunnelDown = Code(.tunnelDown)
        /// `Reason.internalError`: a fault in this program.
        public static let internalError = Code(.internalError)
        /// `Reason.nameNotResolved`: the origin's name could not be resolved.
        public static let nameNotResolved = Code(.nameNotResolved)
        /// `Reason.unreachable`: the origin can't be reached.
        public static let unreachable = Code(.unreachable)
        /// `Reason.timeout`: the origin didn't take the connection, begin its answer or go on in time.
        public static let timeout = Code(.timeout)
        /// `Reason.originClosed`: the origin closed or reset the connection before its answer was complete.
        public static let originClosed = Code(.originClosed)
        /// `Reason.originInvalid`: the origin's bytes were not HTTP.
        public static let originInvalid = Code(.originInvalid)
        /// `Reason.forbidden`: the destination is not allowed.
        public static let forbidden = Code(.forbidden)
        /// `Reason.badRequest`: the request can't be carried out as it is.
        public static let badRequest = Code(.badRequest)
        /// `Reason.connectionRefused`: the origin refused the connection.
        public static let connectionRefused = Code(.connectionRefused)
    }

    /// The reasons that this program knows. What each means to who looks at it is said in `Failure+Reason.swift`, by switches
    /// that have no default: a reason that is added doesn't compile before it has its place in all of them.
    public enum Reason: UInt16, Sendable, CaseIterable {
        /// No reason.
        case none = 0
        /// The other side no longer wants the exchange.
        case cancelled = 1
        /// A peer broke the rules of its protocol.
        case protocolViolation = 2
        /// More was sent than the window allowed.
        case flowControl = 3
        /// A frame or head was larger than allowed.
        case tooLarge = 4
        /// A peer asked for more than its share of work.
        case excessive = 5
        /// Not begun: nothing of the exchange was processed, it can be sent again.
        case refused = 6
        /// The peer is going away.
        case draining = 7
        /// The connection to the other end of the tunnel was lost.
        case tunnelLost = 8
        /// There is no connection to the other end of the tunnel.
        case tunnelDown = 9
        /// A fault in this program.
        case internalError = 10
        /// The origin's name could not be resolved.
        case nameNotResolved = 16
        /// The origin can't be reached.
        case unreachable = 17
        /// The origin didn't take the connection, begin its answer or go on in time.
        case timeout = 18
        /// The origin closed or reset the connection before its answer was complete.
        case originClosed = 19
        /// The origin's bytes were not HTTP.
        case originInvalid = 20
        /// The destination is not allowed.
        case forbidden = 21
        /// The request can't be carried out as it is.
        case badRequest = 22
        /// The origin refused the connection.
        case connectionRefused = 23
    }

    /// The answer for a client that has had no response's head yet.
    public func response(for request: RequestHead) -> LocalResponse {
        var response = LocalResponse(status: status, body: message + "\n", failure: self)
        if status == 503 { response.head.fields.append("Retry-After", "1") }
        if let value = ProxyStatus.value(for: self) { response.head.fields.append(ProxyStatus.field, value) }
        return response
    }
}
