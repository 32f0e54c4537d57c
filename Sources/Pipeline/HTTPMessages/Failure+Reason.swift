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

    /// What happened, in a few words for a person: the title of the page that says so.
    package var title: String {
        switch self {
        case .none: "There is no answer"
        case .cancelled: "The request was given up"
        case .protocolViolation, .flowControl: "The two ends of the tunnel don't understand each other"
        case .tooLarge: "The request is too large"
        case .excessive: "There are too many requests"
        case .refused: "The request was not begun"
        case .draining: "The program is shutting down"
        case .tunnelLost: "The tunnel was interrupted"
        case .tunnelDown: "The tunnel is down"
        case .internalError: "Something in this program is wrong"
        case .nameNotResolved: "The site's name was not found"
        case .unreachable: "The site can't be reached"
        case .timeout: "The site takes too long"
        case .originClosed: "The site broke off"
        case .originInvalid: "The site's answer makes no sense"
        case .forbidden: "This is not allowed here"
        case .badRequest: "The request can't be carried out"
        case .connectionRefused: "The site refused the connection"
        }
    }

    /// What a person can do about it.
    package var advice: String {
        switch self {
        case .none, .cancelled, .originClosed: "Try again."
        case .protocolViolation, .flowControl, .internalError:
            "Tell whoever runs the tunnel, with the id below: the logs of both ends have it."
        case .tooLarge: "Send less at once."
        case .excessive, .refused: "Wait a little, then try again."
        case .draining, .tunnelLost: "Try again in a moment."
        case .tunnelDown:
            "Look whether this machine has a network, and try again in a moment. 'fluidity health' says what is wrong."
        case .nameNotResolved:
            "Check how the name is written. It is looked up where the site is fetched, which may know other names than this machine."
        case .unreachable, .connectionRefused: "Look whether the site is up, and try again later."
        case .timeout: "Try again later; the site may be busy or behind a firewall."
        case .originInvalid: "Tell whoever runs the site."
        case .forbidden: "If it should be allowed, tell whoever runs the tunnel which rule this page names."
        case .badRequest: "Check the address."
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

    /// What happened, in a few words for a person.
    package var title: String { reason?.title ?? "There is no answer" }

    /// What a person can do about it.
    package var advice: String { reason?.advice ?? "Try again." }

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
