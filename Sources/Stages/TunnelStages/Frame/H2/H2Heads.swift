package import HTTPMessages
package import NIOHPACK
import Pipeline

/// The heads of exchanges as HTTP/2 writes them (RFC 9113, 8.3), WebSockets as extended CONNECT (RFC 8441). The values of the library's
/// fields are texts that stand for bytes (`H2Text`).
package enum H2Heads {
    /// Why a request isn't carried out: its stream gets this answer.
    package struct Refusal: Error, Equatable {
        /// The status of the answer, 4xx or 5xx.
        package var status: Int
        /// The sentence that is the answer's body.
        package var message: String
    }

    /// Which client's connection a request of one of our agents belongs to. Between the two ends of a tunnel alone: whoever accepts takes
    /// it out, and an agent sends none of a client's.
    static let clientField = "fluidity-client"
    private static let fieldLimit = 256

    /// What an agent of ours tells of an exchange beside its request.
    package struct Names: Equatable {
        /// The client's connection, see `ClientConnection`; nil where it isn't known, or the field is malformed.
        package var client: UInt64?
        /// The exchange's id, likewise.
        package var exchange: UInt64?

        /// Names that may be missing.
        package init(client: UInt64? = nil, exchange: UInt64? = nil) {
            self.client = client
            self.exchange = exchange
        }
    }

    // MARK: - Requests

    /// A request's head from what a client sent. `isWhole`: no body follows.
    package static func request(
        _ headers: HPACKHeaders, isWhole: Bool
    ) throws(Refusal) -> (head: RequestHead, authorization: String?, names: Names) {
        guard headers.count <= fieldLimit else { throw Refusal(status: 431, message: "There are too many fields.") }
        let pseudo = PseudoFields(headers)
        guard let method = pseudo.method, isToken(method) else {
            throw Refusal(status: 400, message: "The method is missing or malformed.")
        }
        let hosts = headers["host"]
        let authority = pseudo.authority ?? hosts.first ?? ""
        var head = RequestHead(method: method, scheme: .none, authority: authority, path: "")
        let (authorization, names) = try take(headers, into: &head)
        guard let parsed = Authority(authority) else {
            throw Refusal(status: 400, message: "The authority is missing or malformed.")
        }
        if method == "CONNECT", pseudo.protocolName == nil {
            guard parsed.port != nil else {
                throw Refusal(status: 400, message: "CONNECT wants a host and a port, such as example.com:443.")
            }
            head.kind = .tunnel
            head.body = .unknown
            return (head, authorization, names)
        }
        head.scheme = try scheme(pseudo.scheme)
        guard hosts.allSatisfy({ parsed.isEqual(to: $0, head.scheme) }) else {
            throw Refusal(status: 400, message: "The host is another than the authority.")
        }
        head.path = H2Text.withBytes(pseudo.path ?? "") { HTTPGrammar.legalTarget($0) }
        guard head.path.utf8.first == UInt8(ascii: "/") || head.path == "*" && method == "OPTIONS" else {
            throw Refusal(status: 400, message: "The path is missing or malformed.")
        }
        if let name = pseudo.protocolName {
            guard method == "CONNECT", name == "websocket" else {
                throw Refusal(status: 501, message: "The protocol '\(name)' is unknown; 'websocket' is known.")
            }
            head.kind = .upgrade
            head.method = "GET"
            head.body = .none
            head.fields.remove("Sec-WebSocket-Key")
            // The origin is spoken to in HTTP/1.1, where both belong to the handshake.
            head.fields.append("Sec-WebSocket-Key", WebSocketHandshake.makeKey())
            head.fields.append("Upgrade", "websocket")
        } else if isWhole {
            if case .unknown = head.body { head.body = .none }
        }
        return (head, authorization, names)
    }

    /// Takes the end-to-end fields. The length of the body is what `content-length` says, or unknown.
    private static func take(
        _ headers: HPACKHeaders, into head: inout RequestHead
    ) throws(Refusal) -> (authorization: String?, names: Names) {
        var cookies: [String] = []
        var authorization: String?
        var names = Names()
        var (clientFields, exchangeFields) = (0, 0)
        head.body = .unknown
        for (name, value, _) in headers where !name.hasPrefix(":") {
            guard !hasBlankEnds(value) else { throw Refusal(status: 400, message: "A field's value begins or ends with a blank.") }
            switch name {
            case "cookie": cookies.append(value)
            case "content-length":
                guard let length = length(value), head.body == .unknown || head.body == .known(length) else {
                    throw Refusal(status: 400, message: "content-length is not a number of bytes.")
                }
                head.body = .known(length)
            case "proxy-authorization": authorization = authorization ?? value
            case clientField:
                clientFields += 1
                names.client = clientFields == 1 ? ClientConnection.name(value) : nil
            case ToldReason.exchangeField:
                exchangeFields += 1
                names.exchange = exchangeFields == 1 ? ExchangeID(digits: value)?.rawValue : nil
            case _ where isLeftOut(name) || name.hasPrefix("proxy-"): break
            default:
                guard append(name, value, to: &head.fields) else {
                    throw Refusal(status: 400, message: "A field has a byte that no field may have.")
                }
            }
        }
        // HTTP/2 may send a cookie's parts as fields of their own; in HTTP/1.1 there is one (RFC 9113, 8.2.3).
        if !cookies.isEmpty, !append("cookie", cookies.joined(separator: "; "), to: &head.fields) {
            throw Refusal(status: 400, message: "The cookie has a byte that no field may have.")
        }
        return (authorization, names)
    }

    private static func scheme(_ name: String?) throws(Refusal) -> Scheme {
        switch name {
        case "http": .http
        case "https": .https
        default: throw Refusal(status: 400, message: "The scheme is missing or unknown; http and https are known.")
        }
    }

    /// A request's head for a server; nil for an Upgrade to another protocol than WebSocket, which HTTP/2 has no form for.
    /// - Parameters:
    ///   - takesClientNames: The server is one of ours, which is told whose connection the request belongs to.
    ///   - correlates: It is one that is told the exchange's id.
    ///   - names: What it is told.
    package static func headers(
        _ head: RequestHead, takesClientNames: Bool = false, correlates: Bool = false, names: Names = Names()
    ) -> HPACKHeaders? {
        var headers = HPACKHeaders()
        switch head.kind {
        case .tunnel:
            headers.add(name: ":method", value: "CONNECT")
            headers.add(name: ":authority", value: head.authority)
        case .upgrade:
            guard let wanted = head.fields.first("Upgrade"), wanted.lowercased() == "websocket" else { return nil }
            headers.add(name: ":method", value: "CONNECT")
            headers.add(name: ":protocol", value: "websocket")
            addTarget(of: head, to: &headers)
        case .plain:
            headers.add(name: ":method", value: head.method)
            addTarget(of: head, to: &headers)
            if case .known(let length) = head.body { headers.add(name: "content-length", value: "\(length)") }
        }
        add(head.fields, to: &headers) {
            head.kind == .upgrade && $0 == "sec-websocket-key" || takesClientNames && $0 == clientField
                || correlates && $0 == ToldReason.exchangeField
        }
        if takesClientNames, let client = names.client { headers.add(name: clientField, value: String(client, radix: 16)) }
        if correlates, let exchange = names.exchange {
            headers.add(name: ToldReason.exchangeField, value: String(exchange, radix: 16), indexing: .nonIndexable)
        }
        return headers
    }

    private static func addTarget(of head: RequestHead, to headers: inout HPACKHeaders) {
        headers.add(name: ":scheme", value: head.scheme.name)
        headers.add(name: ":authority", value: head.authority)
        headers.add(name: ":path", value: head.path)
    }

    // MARK: - Responses

    /// A response's head for a client. That of an Upgrade which was agreed to is the 200 of an extended CONNECT.
    /// - Parameters:
    ///   - correlates: The client is an agent that takes reasons, which an origin's response must not be taken for.
    ///   - reason: Why the response is no origin's.
    package static func headers(
        _ head: ResponseHead, to request: RequestHead, correlates: Bool = false, reason: Failure? = nil
    ) -> HPACKHeaders {
        var headers = HPACKHeaders()
        let opens = head.opensTunnel(for: request)
        var status = head.status
        if request.kind == .upgrade {
            // An answer of 2xx that changes no protocol would be taken for one that does.
            status = opens ? 200 : (200..<300).contains(head.status) ? 502 : head.status
        }
        headers.add(name: ":status", value: "\((100...999).contains(status) ? status : 502)")
        if case .known(let length) = head.body, !opens, !head.isInformational {
            headers.add(name: "content-length", value: "\(length)")
        }
        add(head.fields, to: &headers) {
            opens && $0 == "sec-websocket-accept" || correlates && $0 == ToldReason.field
        }
        if correlates, let reason, !head.isInformational {
            headers.add(name: ToldReason.field, value: ToldReason.value(reason).withBytes(H2Text.text), indexing: .nonIndexable)
        }
        if head.status == 407 {
            // Asked for by this end: those of other proxies are taken out where their answers are read.
            for challenge in head.fields["Proxy-Authenticate"] { headers.add(name: "proxy-authenticate", value: challenge) }
        }
        return headers
    }

    /// A response's head from what a server sent, or nil if it is malformed. `isWhole`: no body follows.
    package static func response(_ headers: HPACKHeaders, to request: RequestHead, isWhole: Bool) -> ResponseHead? {
        guard headers.count <= fieldLimit, let text = headers.first(name: ":status"), let status = Int(text),
            (100...999).contains(status), status != 101
        else { return nil }
        var head = ResponseHead(status: status, reason: HTTPStatus.reason(status), body: isWhole ? .none : .unknown)
        var length: Int64?
        for (name, value, _) in headers where !name.hasPrefix(":") {
            guard !hasBlankEnds(value) else { return nil }
            if name == "content-length" {
                guard let said = Self.length(value), length == nil || length == said else { return nil }
                length = said
                head.body = .known(said)
            } else if !isLeftOut(name), name != "proxy-authenticate" {
                guard append(name, value, to: &head.fields) else { return nil }
            }
        }
        guard request.kind == .upgrade, (200..<300).contains(status) else { return head }
        head.status = 101
        head.reason = "Switching Protocols"
        head.body = .none
        head.fields.append("Upgrade", "websocket")
        if let key = request.fields.first("Sec-WebSocket-Key") {
            head.fields.append("Sec-WebSocket-Accept", WebSocketHandshake.accept(for: key))
        }
        return head
    }

    // MARK: - Fields

    /// Trailers that may be passed on, or nil if there are none, or more of them than a head may have.
    package static func trailers(_ headers: HPACKHeaders) -> HeaderFields? {
        var fields = HeaderFields()
        guard H2PeerLimits.listSize(headers) <= H2Configuration.headLimit else { return nil }
        for (name, value, _) in headers.prefix(fieldLimit) where !name.hasPrefix(":") && !hasBlankEnds(value) {
            var name = name
            let isForbidden = name.withUTF8 { HTTP1FieldSection.isForbiddenInTrailers(UnsafeRawBufferPointer($0)) }
            if !isForbidden { append(name, value, to: &fields) }
        }
        return fields.isEmpty ? nil : fields
    }

    /// Trailers as HTTP/2 sends them: names in lower case, without the fields of one connection.
    package static func headers(trailers fields: HeaderFields) -> HPACKHeaders {
        var headers = HPACKHeaders()
        add(fields, to: &headers) { _ in false }
        return headers
    }

    private static func add(_ fields: HeaderFields, to headers: inout HPACKHeaders, leavingOut isLeftOut: (String) -> Bool) {
        fields.forEach { name, value in
            let name = String(decoding: name, as: UTF8.self).lowercased()
            guard !Self.isLeftOut(name), !isLeftOut(name) else { return }
            let text = H2Text.text(HTTPGrammar.trim(value))
            // What isn't kept in a table is written anew behind the library (`H2OutgoingHeads`).
            headers.add(name: name, value: text, indexing: H2Text.isASCII(text) ? .indexable : .nonIndexable)
        }
    }

    @discardableResult
    private static func append(_ name: String, _ value: String, to fields: inout HeaderFields) -> Bool {
        var name = name
        return name.withUTF8 { name in
            H2Text.withBytes(value) { fields.append(name: UnsafeRawBufferPointer(name), value: $0) }
        }
    }

    /// Whether a value is none (RFC 9113, 8.2.1).
    private static func hasBlankEnds(_ value: String) -> Bool {
        func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
        return isBlank(value.utf8.first) || isBlank(value.utf8.last)
    }

    private static func length(_ value: String) -> Int64? {
        value.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(value) : nil
    }

    private static func isToken(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { HTTPGrammar.isToken(UnsafeRawBufferPointer($0)) }
    }

    /// Fields of one connection or of framing, which HTTP/2 forbids or says otherwise (RFC 9113, 8.2.2).
    private static func isLeftOut(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { HTTPGrammar.isHopField(UnsafeRawBufferPointer($0)) }
    }

    private struct PseudoFields {
        var method: String?
        var scheme: String?
        var authority: String?
        var path: String?
        var protocolName: String?

        init(_ headers: HPACKHeaders) {
            // They stand in front of all others.
            for (name, value, _) in headers.prefix(while: { $0.name.hasPrefix(":") }) {
                switch name {
                case ":method": method = value
                case ":scheme": scheme = value
                case ":authority": authority = value
                case ":path": path = value
                case ":protocol": protocolName = value
                default: break
                }
            }
        }
    }
}

extension Authority {
    /// Whether a `Host` names the same, with the scheme's port where it names none (RFC 9113, 8.3.1).
    fileprivate func isEqual(to host: String, _ scheme: Scheme) -> Bool {
        guard let other = Authority(host) else { return false }
        let port = scheme.defaultPort
        return self.host.lowercased() == other.host.lowercased() && (self.port ?? port) == (other.port ?? port)
    }
}
