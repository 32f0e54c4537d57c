/// How many bytes a body has.
public enum BodyLength: Sendable, Hashable {
    /// There is no body.
    case none
    /// The body has so many bytes.
    case known(Int64)
    /// Ends where its sender says so.
    case unknown
    /// What follows is the body deflated (zlib's format, RFC 1950), for the other end of the tunnel alone. The number is the
    /// body's own length, where it is known. No origin and no client ever sees such a body: `compress` makes and takes it.
    case deflated(Int64?)

    /// The body's own length, deflated or not.
    public var original: BodyLength {
        guard case .deflated(let length) = self else { return self }
        return length.map { .known($0) } ?? .unknown
    }

    /// Whether what follows is the body deflated.
    public var isDeflated: Bool {
        if case .deflated = self { true } else { false }
    }
}

/// What a request is about: a resource, raw bytes to a host, or a change of protocol.
public enum RequestKind: UInt8, Sendable {
    /// A request for a resource, whose body is HTTP's.
    case plain = 0
    /// CONNECT (RFC 9110, 9.3.6): `authority` is the target.
    case tunnel = 1
    /// A request with Upgrade (RFC 9110, 7.8), a WebSocket's opening handshake say. The fields still have `Upgrade`.
    ///
    /// The body is `none` or `known`: as many of the request's bytes are the body. What follows them belongs to the other protocol, and comes
    /// when the response has agreed to that. The request's end is the body's only where the response has not.
    case upgrade = 2
}

/// The scheme of a request's target.
public enum Scheme: UInt8, Sendable {
    /// No scheme: for a tunnel, whose target is an authority alone.
    case none = 0
    /// Cleartext HTTP (RFC 9110, 4.2.1).
    case http = 1
    /// HTTP over TLS (RFC 9110, 4.2.2).
    case https = 2

    /// The port of an authority that names none: 443 for `https`, else 80.
    public var defaultPort: Int { self == .https ? 443 : 80 }
    /// The scheme as it stands in a URI, in lower case; `http` for `none`.
    public var name: String { self == .https ? "https" : "http" }
}

/// A request's head without the framing and the fields that end at each hop: what one end of an exchange means, not what one
/// connection said.
public struct RequestHead: Sendable, Equatable {
    /// Whether it is about a resource, a tunnel or a change of protocol.
    public var kind: RequestKind
    /// The method, which is a token and has a case (RFC 9110, 9.1).
    public var method: String
    /// The scheme of the target; `none` for a tunnel.
    public var scheme: Scheme
    /// Host and, where it was given, port.
    public var authority: String
    /// Path and query in origin-form; `*` for OPTIONS of a whole server; empty for a tunnel.
    public var path: String
    /// The length of the body, as its sender gave it.
    public var body: BodyLength
    /// End-to-end fields. `Host`, `Content-Length` and `Transfer-Encoding` are not among them: they follow from the rest.
    public var fields: HeaderFields
    /// Whether the response's body may come as `BodyLength.deflated`. Set by `compress`, carried between agent and server.
    public var takesDeflated = false
    /// What the program at the other end of the tunnel calls the connection by which its client sent this, see `ClientConnection`. Set by
    /// `frame` where it accepts; nil where that end doesn't say.
    package var connectionName: UInt64?
    /// The id that the exchange has at the other end of the tunnel, as that says it. Set and used by `frame` where it accepts.
    package var exchangeName: UInt64?

    /// A head that takes no deflated response and has no connection's name. Nothing is checked.
    public init(
        kind: RequestKind = .plain, method: String, scheme: Scheme, authority: String, path: String, body: BodyLength = .none,
        fields: HeaderFields = HeaderFields()
    ) {
        self.kind = kind
        self.method = method
        self.scheme = scheme
        self.authority = authority
        self.path = path
        self.body = body
        self.fields = fields
    }

    /// Whether the path is one in form: with `/` in front, or `*`, which stands for a whole server and is for OPTIONS alone (RFC 9112,
    /// 3.2.4). A tunnel's, which has none, isn't.
    package var hasLegalPath: Bool { path.utf8.first == UInt8(ascii: "/") || path == "*" && method == "OPTIONS" }

    /// The authority's host without port and brackets.
    public var host: String { Authority(authority)?.host ?? authority }
}

/// A host and, where it is given, a port (RFC 3986, 3.2).
public struct Authority: Sendable, Hashable {
    /// Without the brackets of an IPv6 address.
    public var host: String
    /// Nil where the text has none, or nothing behind its colon.
    public var port: Int?

    /// A host without brackets, and a port or nil. Nothing is checked.
    public init(host: String, port: Int?) {
        self.host = host
        self.port = port
    }

    /// Nil for what is no authority: an empty host, user information, a port outside 1 to 65535, a byte that no host has.
    public init?(_ text: String) {
        var text = text
        let parsed = text.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            return Self.parse(bytes).map { Authority(host: String(decoding: bytes[$0.host], as: UTF8.self), port: $0.port) }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// The host and the port of a text as parts of it, without allocating; nil as for an authority.
    package static func parts(of text: String) -> (host: Substring, port: Int?)? {
        guard let parts = text.utf8.withContiguousStorageIfAvailable({ parse(UnsafeRawBufferPointer($0)) }) else {
            return Authority(text).map { (Substring($0.host), $0.port) }
        }
        guard let parts else { return nil }
        let start = text.utf8.index(text.utf8.startIndex, offsetBy: parts.host.lowerBound)
        return (text[start..<text.utf8.index(start, offsetBy: parts.host.count)], parts.port)
    }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> (host: Range<Int>, port: Int?)? {
        let host: Range<Int>
        let end: Int
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = 1..<close
            end = close + 1
            guard bytes[host].allSatisfy(isAddressByte) else { return nil }
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            host = 0..<end
            guard bytes[host].allSatisfy(isNameByte) else { return nil }
        }
        guard !host.isEmpty, host.count <= 255 else { return nil }
        var port: Int?
        if end < bytes.count {
            guard bytes[end] == UInt8(ascii: ":"), bytes.count - end <= 6 else { return nil }
            var number = 0
            for digit in bytes[(end + 1)...] {
                guard (0x30...0x39).contains(digit) else { return nil }
                number = number * 10 + Int(digit - 0x30)
            }
            // A colon alone says nothing of a port.
            if bytes.count - end > 1 {
                guard (1...65535).contains(number) else { return nil }
                port = number
            }
        }
        return (host, port)
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        (0x30...0x3A).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
            || byte == UInt8(ascii: ".")
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
