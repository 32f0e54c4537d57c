import HTTPMessages
import NIOHPACK
import Testing

@testable import TunnelStages

@Suite struct H2HeadsTests {
    private func headers(_ fields: (String, String)...) -> HPACKHeaders { HPACKHeaders(fields) }

    @Test func `A plain request`() throws {
        let (head, authorization, names) = try H2Heads.request(
            headers(
                (":method", "POST"), (":scheme", "https"), (":authority", "example.com"), (":path", "/a?b"),
                ("content-length", "5"),
                ("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2"), ("te", "trailers"), ("proxy-authorization", "Basic eA=="),
                ("proxy-anything", "x"), ("host", "EXAMPLE.com:443")), isWhole: false)
        #expect(head.kind == .plain && head.method == "POST" && head.scheme == .https)
        #expect(head.authority == "example.com" && head.path == "/a?b" && head.body == .known(5))
        #expect(head.fields == HeaderFields([("accept", "*/*"), ("cookie", "a=1; b=2")]))
        #expect(authorization == "Basic eA==" && names.client == nil)
    }

    /// The field is for the other end of the tunnel alone, and an agent's own word on it counts.
    @Test(
        arguments: [
            (["1f"], 31), (["FFFFFFFFFFFFFFFF"], .max), (["-"], nil), (["+1"], nil), ([""], nil), (["x"], nil), (["1", "2"], nil),
            (["10000000000000000"], nil), ([], nil),
        ] as [([String], UInt64?)])
    func `Whose connection a request belongs to`(_ values: [String], _ expected: UInt64?) throws {
        let fields = values.map { ("fluidity-client", $0) } + [("accept", "*/*")]
        let base = [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")]
        let read = try H2Heads.request(HPACKHeaders(base + fields), isWhole: true)
        #expect(read.names.client == expected && read.head.fields == HeaderFields([("accept", "*/*")]))

        var head = read.head
        head.fields.append("Fluidity-Client", "7")
        let told = try #require(H2Heads.headers(head, takesClientNames: true, names: H2Heads.Names(client: expected)))
        #expect(told[canonicalForm: "fluidity-client"].count == (expected == nil ? 0 : 1))
        #expect(try H2Heads.request(told, isWhole: true).names.client == expected)
        // To an end that isn't ours it is a field like any other.
        #expect(H2Heads.headers(head)?.first(name: "fluidity-client") == "7")
    }

    @Test func `An exchange's id goes to an end that takes it, and is the agent's own`() throws {
        let head = RequestHead(
            method: "GET", scheme: .http, authority: "h", path: "/", fields: HeaderFields([("Fluidity-Exchange", "7")]))
        let names = H2Heads.Names(client: nil, exchange: 0xAB_CDEF)
        let told = try #require(H2Heads.headers(head, takesClientNames: true, correlates: true, names: names))
        #expect(told["fluidity-exchange"] == ["abcdef"])
        let read = try H2Heads.request(told, isWhole: true)
        #expect(read.names == names && read.head.fields.isEmpty)
        #expect(H2Heads.headers(head, names: names)?.first(name: "fluidity-exchange") == "7")
        for values in [["1", "1"], ["-1"], ["10000000000000000"], [""]] {
            let fields = values.map { ("fluidity-exchange", $0) }
            let base = [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")]
            #expect(try H2Heads.request(HPACKHeaders(base + fields), isWhole: true).names.exchange == nil)
        }
    }

    @Test func `A reason goes to an agent that takes it, and no origin's is taken for one`() throws {
        let request = RequestHead(method: "GET", scheme: .http, authority: "h", path: "/")
        let head = ResponseHead(status: 502, fields: HeaderFields([("Fluidity-Reason", "17 forged")]))
        let failure = Failure(.nameNotResolved, "'h\u{e9}' has no address")
        func said(_ headers: HPACKHeaders) -> [Failure?] {
            headers["fluidity-reason"].map { ToldReason.failure(H2Text.withBytes($0) { String(decoding: $0, as: UTF8.self) }) }
        }
        #expect(said(H2Heads.headers(head, to: request, correlates: true, reason: failure)) == [failure])
        #expect(said(H2Heads.headers(head, to: request, correlates: true)).isEmpty)
        #expect(H2Heads.headers(head, to: request)["fluidity-reason"] == ["17 forged"])
    }

    @Test(arguments: ["", "17", "x y", "17x y", "-1 y", "65536 y", "17 " + String(repeating: "x", count: 2_000)])
    func `Not a reason`(_ value: String) { #expect(ToldReason.failure(value) == nil) }

    @Test func `Bodies`() throws {
        func body(_ isWhole: Bool, _ fields: (String, String)...) throws -> BodyLength {
            let base = [(":method", "PUT"), (":scheme", "http"), (":authority", "h"), (":path", "/")]
            return try H2Heads.request(HPACKHeaders(base + fields), isWhole: isWhole).head.body
        }
        #expect(try body(true) == .none)
        #expect(try body(false) == .unknown)
        #expect(try body(true, ("content-length", "0")) == .known(0))
        #expect(try body(false, ("content-length", "7")) == .known(7))
    }

    @Test func `Bytes are bytes`() throws {
        let value: [UInt8] = [0x63, 0xE9, 0x20, 0xFF, 0xC3, 0xA9]
        var fields = HeaderFields()
        value.withUnsafeBytes { value in Array("X-A".utf8).withUnsafeBytes { _ = fields.append(name: $0, value: value) } }
        let request = RequestHead(method: "GET", scheme: .http, authority: "h", path: "/", fields: fields)
        var lowercased = fields
        lowercased.rename("x-a", to: "x-a")
        let sent = try #require(H2Heads.headers(request))
        #expect(try H2Heads.request(sent, isWhole: true).head.fields == lowercased)
        // What a table had would be counted by the library's characters.
        #expect(sent.contains { $0.name == "x-a" && $0.indexable == .nonIndexable && $0.value.utf8.count == 10 })
        let answer = H2Heads.headers(ResponseHead(status: 200, fields: fields), to: request)
        #expect(H2Heads.response(answer, to: request, isWhole: true)?.fields == lowercased)
        #expect(H2Heads.trailers(H2Heads.headers(trailers: fields)) == lowercased)
        let path = try H2Heads.request(
            headers((":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/\u{E9}")), isWhole: true)
        #expect(path.head.path == "/%E9")
    }

    @Test(arguments: [[("x", " a")], [("x", "a ")], [("x", "\ta")], [("content-length", "1"), ("content-length", "2")]])
    func `A malformed response`(_ fields: [(String, String)]) {
        let request = RequestHead(method: "GET", scheme: .http, authority: "h", path: "/")
        #expect(H2Heads.response(HPACKHeaders([(":status", "200")] + fields), to: request, isWhole: true) == nil)
        #expect(H2Heads.response(HPACKHeaders([(":status", "200"), ("x", "a b")]), to: request, isWhole: true) != nil)
    }

    @Test func `No blanks at the ends of values are sent`() {
        let fields = HeaderFields([("X-A", " a b\t")])
        #expect(H2Heads.headers(trailers: fields).first(name: "x-a") == "a b")
    }

    @Test(arguments: ["h", "H", "h:80", "h:"]) func `The host is the authority's`(_ host: String) throws {
        let fields = [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("host", host)]
        let head = try H2Heads.request(HPACKHeaders(fields), isWhole: true).head
        #expect(head.authority == "h" && head.fields.isEmpty)
    }

    @Test func `A tunnel`() throws {
        let head = try H2Heads.request(headers((":method", "CONNECT"), (":authority", "example.com:443")), isWhole: false).head
        #expect(head.kind == .tunnel && head.authority == "example.com:443" && head.path == "" && head.body == .unknown)
        #expect(H2Heads.headers(head).map { Array($0).map(\.name) } == [":method", ":authority"])
    }

    @Test func `A WebSocket becomes an Upgrade and back`() throws {
        let request = headers(
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "example.com"),
            (":path", "/chat"),
            ("sec-websocket-version", "13"), ("sec-websocket-key", "client's own"))
        let head = try H2Heads.request(request, isWhole: false).head
        #expect(head.kind == .upgrade && head.method == "GET" && head.body == .none)
        let key = try #require(head.fields.first("Sec-WebSocket-Key"))
        #expect(key.utf8.count == 24 && head.fields["sec-websocket-key"].count == 1)
        #expect(head.fields.first("Upgrade") == "websocket")

        let answer = ResponseHead(
            status: 101,
            fields: HeaderFields([("Upgrade", "websocket"), ("Sec-WebSocket-Accept", "x"), ("Sec-WebSocket-Protocol", "p")]))
        let sent = H2Heads.headers(answer, to: head)
        #expect(Array(sent).map { "\($0.name)=\($0.value)" } == [":status=200", "sec-websocket-protocol=p"])

        let outgoing = try #require(H2Heads.headers(head))
        #expect(outgoing.first(name: ":protocol") == "websocket" && outgoing.first(name: "sec-websocket-key") == nil)
        let back = try #require(H2Heads.response(headers((":status", "200")), to: head, isWhole: false))
        #expect(back.status == 101 && back.opensTunnel(for: head))
        #expect(back.fields.first("Sec-WebSocket-Accept") == WebSocketHandshake.accept(for: key))
    }

    @Test func `A proxy asks for credentials`() {
        let request = RequestHead(method: "GET", scheme: .http, authority: "h", path: "/")
        let asked = HeaderFields([
            ("Proxy-Authenticate", "Basic realm=\"a\""), ("Proxy-Authenticate", "Bearer"), ("Connection", "x"),
        ])
        let sent = H2Heads.headers(ResponseHead(status: 407, fields: asked), to: request)
        #expect(
            Array(sent).map { "\($0.name)=\($0.value)" } == [
                ":status=407", "proxy-authenticate=Basic realm=\"a\"", "proxy-authenticate=Bearer",
            ])
        #expect(Array(H2Heads.headers(ResponseHead(status: 401, fields: asked), to: request)).map(\.name) == [":status"])
    }

    @Test func `An answer that changes no protocol isn't taken for one that does`() throws {
        var head = RequestHead(kind: .upgrade, method: "GET", scheme: .http, authority: "h", path: "/")
        head.fields.append("Upgrade", "websocket")
        #expect(H2Heads.headers(ResponseHead(status: 200), to: head).first(name: ":status") == "502")
        #expect(H2Heads.headers(ResponseHead(status: 404), to: head).first(name: ":status") == "404")
        head.fields.set("Upgrade", "shout")
        #expect(H2Heads.headers(head) == nil)
    }

    @Test(
        arguments: [
            ([(":scheme", "http"), (":authority", "h"), (":path", "/")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":path", "/")], 400),
            ([(":method", "GET"), (":scheme", "gopher"), (":authority", "h"), (":path", "/")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "u@h"), (":path", "/")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "x")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("host", "other")], 400),
            ([(":method", "GET"), (":scheme", "https"), (":authority", "h"), (":path", "/"), ("host", "h:80")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "h"), ("host", "other")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("x", "a\nb")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("content-length", "-1")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("content-length", "")], 400),
            (
                [
                    (":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("content-length", "1"),
                    ("content-length", "2"),
                ], 400
            ),
            ([(":method", "G(T"), (":scheme", "http"), (":authority", "h"), (":path", "/")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("x", " a")], 400),
            ([(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/"), ("x", "a\t")], 400),
            ([(":method", "CONNECT"), (":authority", "h")], 400),
            ([(":method", "CONNECT"), (":protocol", "x"), (":scheme", "http"), (":authority", "h"), (":path", "/")], 501),
            (
                [(":method", "GET"), (":scheme", "http"), (":authority", "h"), (":path", "/")] + (0..<260).map { ("x-\($0)", "") },
                431
            ),
        ] as [([(String, String)], Int)])
    func `Refused requests`(fields: [(String, String)], status: Int) {
        let refusal = #expect(throws: H2Heads.Refusal.self) { try H2Heads.request(HPACKHeaders(fields), isWhole: true) }
        #expect(refusal?.status == status)
    }

    @Test func `Responses`() throws {
        let request = RequestHead(method: "GET", scheme: .http, authority: "h", path: "/")
        let head = ResponseHead(
            status: 200, body: .known(3),
            fields: HeaderFields([("Content-Type", "text/plain"), ("Keep-Alive", "5"), ("X-One", "1"), ("X-One", "2")]))
        let sent = H2Heads.headers(head, to: request)
        #expect(
            Array(sent).map { "\($0.name)=\($0.value)" }
                == [":status=200", "content-length=3", "content-type=text/plain", "x-one=1", "x-one=2"])
        let back = try #require(H2Heads.response(sent, to: request, isWhole: false))
        #expect(back.status == 200 && back.body == .known(3) && back.fields["X-One"] == ["1", "2"])
        #expect(H2Heads.response(headers((":status", "101")), to: request, isWhole: true) == nil)
        #expect(H2Heads.response(headers((":status", "abc")), to: request, isWhole: true) == nil)
        #expect(H2Heads.response(headers(), to: request, isWhole: true) == nil)
    }

    @Test func `The handshake of RFC 6455`() {
        #expect(WebSocketHandshake.accept(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}
