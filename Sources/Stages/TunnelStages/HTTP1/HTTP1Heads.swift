package import HTTPMessages

/// What a connection said in a request's head, before any meaning is given to it.
package struct HTTP1RequestHead: Sendable, Equatable {
    /// The method, a token in the case that it was sent in.
    package var method: String
    /// The request target as it was sent, but with bytes above ASCII percent-encoded, so that it is a legal URI.
    package var target: String
    /// The number behind `HTTP/1.`: 0 or 1.
    package var minorVersion: Int
    /// The end-to-end fields, and one `Upgrade` behind them if `upgrade` isn't nil. See `HTTP1FieldSection`.
    package var fields: HeaderFields
    /// The Host field, which may be empty; never nil in HTTP/1.1.
    package var host: String?
    /// The length of the body that follows, as declared.
    package var body: BodyLength
    /// The client wants to use the connection further.
    package var keepAlive: Bool
    /// The protocols that the client would change to, if it asks for that. The body, if there is one, has a known length.
    package var upgrade: String?
    /// The client waits for 100 (Continue) before it sends the body. `Expect` is among the fields too.
    package var expectsContinue: Bool
    /// The value of `Proxy-Authorization`, which is for us and not among the fields.
    package var proxyAuthorization: String?

    /// A request's head, by default one of HTTP/1.1 without a body.
    package init(
        method: String, target: String, minorVersion: Int = 1, fields: HeaderFields = HeaderFields(), host: String? = nil,
        body: BodyLength = .none, keepAlive: Bool = true, upgrade: String? = nil, expectsContinue: Bool = false,
        proxyAuthorization: String? = nil
    ) {
        self.method = method
        self.target = target
        self.minorVersion = minorVersion
        self.fields = fields
        self.host = host
        self.body = body
        self.keepAlive = keepAlive
        self.upgrade = upgrade
        self.expectsContinue = expectsContinue
        self.proxyAuthorization = proxyAuthorization
    }
}

/// What a connection said in a response's head.
package struct HTTP1ResponseHead: Sendable, Equatable {
    /// The three-digit status.
    package var status: Int
    /// The reason phrase, which may be empty; bytes that aren't UTF-8 are shown as U+FFFD.
    package var reason: String { phrase.text }
    /// The reason phrase in the bytes that were sent.
    package var phrase: ReasonPhrase
    /// The number behind `HTTP/1.`: 0 or 1.
    package var minorVersion: Int
    /// The end-to-end fields, and one `Upgrade` behind them if `upgrade` isn't nil. See `HTTP1FieldSection`.
    package var fields: HeaderFields
    /// The body's length as declared, also by a response that has no body (to HEAD, 304); unknown is chunked or until the connection
    /// closes.
    package var body: BodyLength
    /// The body comes in the chunked coding.
    package var isChunked: Bool
    /// The connection can be used for another request after this response.
    package var keepAlive: Bool
    /// The protocols that the origin changes to (101) or offers (426).
    package var upgrade: String?
    /// What a proxy says to us and to nobody behind us, which is not among the fields.
    package var proxyHop: [ProxyHopField]

    /// A response's head, by default one of HTTP/1.1 without a body.
    package init(
        status: Int, reason: String = "", minorVersion: Int = 1, fields: HeaderFields = HeaderFields(),
        body: BodyLength = .none, isChunked: Bool = false, keepAlive: Bool = true, upgrade: String? = nil,
        proxyHop: [ProxyHopField] = []
    ) {
        self.init(
            status: status, phrase: ReasonPhrase(reason), minorVersion: minorVersion, fields: fields, body: body,
            isChunked: isChunked,
            keepAlive: keepAlive, upgrade: upgrade, proxyHop: proxyHop)
    }

    init(
        status: Int, phrase: ReasonPhrase, minorVersion: Int, fields: HeaderFields, body: BodyLength = .none,
        isChunked: Bool = false,
        keepAlive: Bool, upgrade: String?, proxyHop: [ProxyHopField] = []
    ) {
        self.status = status
        self.phrase = phrase
        self.minorVersion = minorVersion
        self.fields = fields
        self.body = body
        self.isChunked = isChunked
        self.keepAlive = keepAlive
        self.upgrade = upgrade
        self.proxyHop = proxyHop
    }

    /// Whether the status is 1xx other than 101, so that another head follows.
    package var isInformational: Bool { (100..<200).contains(status) && status != 101 }
}
