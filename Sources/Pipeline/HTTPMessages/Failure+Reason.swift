extension Failure.Reason {
    /// In one word, for counters.
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
        }
    }

    /// The status that a proxy's client gets (RFC 9110, section 15).
    public var status: Int {
        switch self {
        case .badRequest: 400
        case .forbidden: 403
        case .tooLarge: 413
        case .internalError: 500
        case .tunnelDown, .draining, .refused, .excessive: 503
        case .timeout: 504
        case .none, .cancelled, .protocolViolation, .flowControl, .tunnelLost, .nameNotResolved, .unreachable, .originClosed,
            .originInvalid, .connectionRefused:
            502
        }
    }

    /// Says something of the origin, not of the client, the tunnel or this program.
    public var isOriginsFault: Bool {
        switch self {
        case .nameNotResolved, .unreachable, .connectionRefused, .timeout, .originClosed, .originInvalid: true
        case .none, .cancelled, .protocolViolation, .flowControl, .tooLarge, .excessive, .refused, .draining, .tunnelLost,
            .tunnelDown, .internalError, .forbidden, .badRequest:
            false
        }
    }

    /// Another attempt may fare better: nothing was reached, or what was has gone, and that may have passed.
    public var mayPass: Bool {
        switch self {
        case .tunnelLost, .tunnelDown, .refused, .draining, .nameNotResolved, .unreachable, .connectionRefused, .timeout,
            .originClosed:
            true
        case .none, .cancelled, .protocolViolation, .flowControl, .tooLarge, .excessive, .internalError, .originInvalid,
            .forbidden, .badRequest:
            false
        }
    }
}

extension Failure.Code {
    /// The reason in one word, for counters; `other` for one that this program doesn't know.
    public var name: String { reason?.name ?? "other" }

    /// The status that a proxy's client gets; 502 for a reason that this program doesn't know.
    public var status: Int { reason?.status ?? 502 }

    /// Says something of the origin. A reason that this program doesn't know says nothing of anybody.
    public var isOriginsFault: Bool { reason?.isOriginsFault ?? false }

    /// Another attempt may fare better. Of a reason that this program doesn't know that isn't assumed.
    public var mayPass: Bool { reason?.mayPass ?? false }
}

extension Failure {
    /// The status that a proxy's client gets for the failure.
    public var status: Int { code.status }
}
