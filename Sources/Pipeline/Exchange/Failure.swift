/// Why an exchange could not be completed: a code that crosses the tunnel, and a sentence for a person.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// The reason codes of `docs/protocol.md`, section "Reason codes".
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        public static let none = Code(rawValue: 0)
        /// The other side no longer wants the exchange.
        public static let cancelled = Code(rawValue: 1)
        /// A peer broke the rules of its protocol.
        public static let protocolViolation = Code(rawValue: 2)
        /// More was sent than the window allowed.
        public static let flowControl = Code(rawValue: 3)
        /// A frame or head was larger than allowed.
        public static let tooLarge = Code(rawValue: 4)
        /// A peer asked for more than its share of work.
        public static let excessive = Code(rawValue: 5)
        /// Not begun: nothing of the exchange was processed, it can be sent again.
        public static let refused = Code(rawValue: 6)
        /// The peer is going away.
        public static let draining = Code(rawValue: 7)
        /// The connection to the other end of the tunnel was lost.
        public static let tunnelLost = Code(rawValue: 8)
        /// There is no connection to the other end of the tunnel.
        public static let tunnelDown = Code(rawValue: 9)
        /// A fault in this program.
        public static let internalError = Code(rawValue: 10)
        /// The origin's name could not be resolved.
        public static let nameNotResolved = Code(rawValue: 16)
        /// The origin can't be reached.
        public static let unreachable = Code(rawValue: 17)
        /// The origin didn't take the connection, begin its answer or go on in time.
        public static let timeout = Code(rawValue: 18)
        /// The origin closed or reset the connection before its answer was complete.
        public static let originClosed = Code(rawValue: 19)
        /// The origin's bytes were not HTTP.
        public static let originInvalid = Code(rawValue: 20)
        /// The destination is not allowed.
        public static let forbidden = Code(rawValue: 21)
        /// The request can't be carried out as it is.
        public static let badRequest = Code(rawValue: 22)
        /// The origin refused the connection.
        public static let connectionRefused = Code(rawValue: 23)

        /// The reason in one word, for counters; `other` for one that this program doesn't know.
        public var name: String {
            switch self {
            case .none: "none"
            case .cancelled: "cancelled"
            case .protocolViolation: "protocol-violation"
            case .flowControl: "flow-control"
            case .tooLarge: "too-large"
            case .excessive: "excessive"
            case .refused: "refused"
            case .draining: "draining"
            case .tunnelLost: "tunnel-lost"
            case .tunnelDown: "tunnel-down"
            case .internalError: "internal-error"
            case .nameNotResolved: "name-not-resolved"
            case .unreachable: "unreachable"
            case .timeout: "timeout"
            case .originClosed: "origin-closed"
            case .originInvalid: "origin-invalid"
            case .forbidden: "forbidden"
            case .badRequest: "bad-request"
            case .connectionRefused: "connection-refused"
            default: "other"
            }
        }
    }

    /// The status that a proxy's client gets for the failure (RFC 9110, section 15).
    public var status: Int {
        switch code {
        case .badRequest: 400
        case .forbidden: 403
        case .tooLarge: 413
        case .internalError: 500
        case .tunnelDown, .draining, .refused, .excessive: 503
        case .timeout: 504
        default: 502
        }
    }

    /// The answer for a client that has had no response's head yet.
    public func response(for request: RequestHead) -> LocalResponse {
        var response = LocalResponse(status: status, body: message + "\n", failure: self)
        if status == 503 { response.head.fields.append("Retry-After", "1") }
        if let value = ProxyStatus.value(for: self) { response.head.fields.append(ProxyStatus.field, value) }
        return response
    }
}
