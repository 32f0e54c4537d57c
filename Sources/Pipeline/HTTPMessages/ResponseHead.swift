/// A response's head without its framing and hop-by-hop fields.
public struct ResponseHead: Sendable, Equatable {
    /// The status code (RFC 9110, 15).
    public var status: Int
    /// The reason phrase, which may be empty. Bytes that aren't UTF-8 are shown as U+FFFD; as long as it isn't set, they are passed on as they
    /// came.
    public var reason: String {
        get { phrase.text }
        set { phrase = ReasonPhrase(newValue) }
    }
    /// The reason phrase with the bytes that came.
    package var phrase: ReasonPhrase
    /// What the response says of its body's length; a response that has no body (to HEAD, 304) may say it all the same.
    public var body: BodyLength
    /// End-to-end fields. `Content-Length` and `Transfer-Encoding` are not among them.
    public var fields: HeaderFields

    /// A head whose reason phrase is a text.
    public init(status: Int, reason: String = "", body: BodyLength = .none, fields: HeaderFields = HeaderFields()) {
        self.init(status: status, phrase: ReasonPhrase(reason), body: body, fields: fields)
    }

    /// A head whose reason phrase may have bytes that aren't UTF-8.
    package init(status: Int, phrase: ReasonPhrase, body: BodyLength = .none, fields: HeaderFields = HeaderFields()) {
        self.status = status
        self.phrase = phrase
        self.body = body
        self.fields = fields
    }

    /// The head with its status, phrase and length alone.
    package var withoutFields: ResponseHead { ResponseHead(status: status, phrase: phrase, body: body) }

    /// 1xx other than 101: another head follows (RFC 9110, 15.2).
    public var isInformational: Bool { (100..<200).contains(status) && status != 101 }

    /// No body follows, whatever the length says (RFC 9112, 6.3).
    public func isBodyless(for request: RequestHead) -> Bool {
        request.method == "HEAD" || status == 204 || status == 304 || (100..<200).contains(status)
            || opensTunnel(for: request)
    }

    /// What follows are raw bytes both ways.
    public func opensTunnel(for request: RequestHead) -> Bool {
        switch request.kind {
        case .plain: false
        case .tunnel: (200..<300).contains(status)
        case .upgrade: status == 101
        }
    }
}

/// A whole answer that a stage makes itself.
public struct LocalResponse: Sendable {
    /// The head, whose length is that of `body`.
    public var head: ResponseHead
    /// The text of the body, sent as UTF-8.
    public var body: String
    /// What went wrong, for logs and counters; nil for an answer that is no failure.
    public var failure: Failure?

    /// An answer with the usual reason phrase of its status.
    /// - Parameters:
    ///   - body: A text of type `text/plain`; where it is empty, there is no `Content-Type`.
    ///   - fields: Fields in front of `Content-Type`.
    public init(status: Int, body: String = "", failure: Failure? = nil, fields: HeaderFields = HeaderFields()) {
        head = ResponseHead(
            status: status, reason: HTTPStatus.reason(status), body: .known(Int64(body.utf8.count)), fields: fields)
        if !body.isEmpty { head.fields.append("Content-Type", "text/plain; charset=utf-8") }
        self.body = body
        self.failure = failure
    }
}

/// What statuses are called (RFC 9110, 15).
package enum HTTPStatus {
    /// The usual phrase for the statuses that this program makes itself.
    package static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 421: "Misdirected Request"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        case 508: "Loop Detected"
        default: ""
        }
    }
}
