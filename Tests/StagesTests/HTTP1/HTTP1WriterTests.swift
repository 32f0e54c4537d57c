import HTTPMessages
import NIOCore
import Testing
import TunnelStages

@Suite struct HTTP1WriterTests {
    static func get(_ method: String = "GET", body: BodyLength = .none, fields: [(String, String)] = []) -> RequestHead {
        RequestHead(method: method, scheme: .http, authority: "a:80", path: "/x?y", body: body, fields: HeaderFields(fields))
    }

    static let tunnel = RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: "a:443", path: "")
    static let upgrade = RequestHead(
        kind: .upgrade, method: "GET", scheme: .http, authority: "a", path: "/",
        fields: HeaderFields([("Upgrade", "websocket"), ("B", "c")]))

    static let requests: [(RequestHead, Bool, BodyFraming, String)] = [
        (get(), false, .none, "GET /x?y HTTP/1.1\nHost: a:80\n\n"),
        (get(), true, .none, "GET /x?y HTTP/1.1\nHost: a:80\nConnection: close\n\n"),
        (get("POST"), false, .none, "POST /x?y HTTP/1.1\nHost: a:80\nContent-Length: 0\n\n"),
        (get("PUT"), false, .none, "PUT /x?y HTTP/1.1\nHost: a:80\nContent-Length: 0\n\n"),
        (get("PATCH"), false, .none, "PATCH /x?y HTTP/1.1\nHost: a:80\nContent-Length: 0\n\n"),
        (get("DELETE"), false, .none, "DELETE /x?y HTTP/1.1\nHost: a:80\n\n"),
        (get(body: .known(0)), false, .length(0), "GET /x?y HTTP/1.1\nHost: a:80\nContent-Length: 0\n\n"),
        (
            get("POST", body: .known(.max)), false, .length(.max),
            "POST /x?y HTTP/1.1\nHost: a:80\nContent-Length: 9223372036854775807\n\n"
        ),
        (get("POST", body: .unknown), false, .chunked, "POST /x?y HTTP/1.1\nHost: a:80\nTransfer-Encoding: chunked\n\n"),
        // The framing is made anew, whatever stands among the fields.
        (
            get(
                body: .known(10),
                fields: [
                    ("b", "2"), ("CONTENT-LENGTH", "5"), ("Transfer-Encoding", "chunked"), ("hOst", "evil"),
                    ("Connection", "close"), ("Keep-Alive", "1"),
                    ("Upgrade", "x"), ("B", "ä"), ("b", ""),
                ]), false, .length(10), "GET /x?y HTTP/1.1\nHost: a:80\nb: 2\nB: ä\nb: \nContent-Length: 10\n\n"
        ),
        (tunnel, false, .none, "CONNECT a:443 HTTP/1.1\nHost: a:443\n\n"),
        (upgrade, false, .none, "GET / HTTP/1.1\nHost: a\nConnection: upgrade\nUpgrade: websocket\nB: c\n\n"),
    ]

    @Test(arguments: requests) func request(_ head: RequestHead, close: Bool, framing: BodyFraming, text: String) throws {
        var buffer = ByteBuffer()
        #expect(try HTTP1Writer.request(head, close: close, into: &buffer) == framing)
        #expect(Array(buffer.readableBytesView) == wire(text), "\(String(buffer: buffer))")
    }

    @Test(arguments: [
        ("GET ", "a", "/"), ("", "a", "/"), ("G\r\nX", "a", "/"), ("GET", "a\r\nX: y", "/"), ("GET", "a b", "/"),
        ("GET", "u@a", "/"),
        ("GET", "a", "/ HTTP/1.1\r\n"), ("GET", "a", "/a b"), ("GET", "a", ""), ("GET", "a", "x"), ("GET", "a", "/\u{0}"),
    ])
    func requestThatIsNone(_ method: String, _ authority: String, _ path: String) {
        var buffer = ByteBuffer(string: "before")
        let head = RequestHead(method: method, scheme: .http, authority: authority, path: path)
        #expect(throws: HTTP1Error.self) { _ = try HTTP1Writer.request(head, into: &buffer) }
        #expect(String(buffer: buffer) == "before")
    }

    @Test func wholeServer() throws {
        var buffer = ByteBuffer()
        _ = try HTTP1Writer.request(RequestHead(method: "OPTIONS", scheme: .http, authority: "a", path: "*"), into: &buffer)
        #expect(String(buffer: buffer) == "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    struct Answer: CustomTestStringConvertible, Sendable {
        var status = 200
        var body = BodyLength.none
        var request = HTTP1WriterTests.get()
        var minorVersion = 1
        var keepAlive = true
        var framing = BodyFraming.none
        var text: String

        var testDescription: String { text }
    }

    static let responses: [Answer] = [
        Answer(text: "HTTP/1.1 200 R\nA: b\nContent-Length: 0\n\n"),
        Answer(keepAlive: false, text: "HTTP/1.1 200 R\nConnection: close\nA: b\nContent-Length: 0\n\n"),
        Answer(body: .known(12), framing: .length(12), text: "HTTP/1.1 200 R\nA: b\nContent-Length: 12\n\n"),
        Answer(body: .unknown, framing: .chunked, text: "HTTP/1.1 200 R\nA: b\nTransfer-Encoding: chunked\n\n"),
        Answer(body: .unknown, minorVersion: 0, framing: .untilClose, text: "HTTP/1.1 200 R\nConnection: close\nA: b\n\n"),
        Answer(
            body: .known(3), minorVersion: 0, framing: .length(3),
            text: "HTTP/1.1 200 R\nConnection: keep-alive\nA: b\nContent-Length: 3\n\n"),
        Answer(
            body: .known(3), minorVersion: 0, keepAlive: false, framing: .length(3),
            text: "HTTP/1.1 200 R\nConnection: close\nA: b\nContent-Length: 3\n\n"),
        Answer(body: .known(3), request: get("HEAD"), text: "HTTP/1.1 200 R\nA: b\nContent-Length: 3\n\n"),
        Answer(request: get("HEAD"), text: "HTTP/1.1 200 R\nA: b\n\n"),
        Answer(body: .unknown, request: get("HEAD"), text: "HTTP/1.1 200 R\nA: b\n\n"),
        Answer(body: .unknown, request: get("HEAD"), minorVersion: 0, text: "HTTP/1.1 200 R\nConnection: keep-alive\nA: b\n\n"),
        Answer(status: 304, body: .known(3), text: "HTTP/1.1 304 R\nA: b\nContent-Length: 3\n\n"),
        Answer(status: 304, text: "HTTP/1.1 304 R\nA: b\n\n"),
        Answer(status: 204, body: .known(3), text: "HTTP/1.1 204 R\nA: b\n\n"),
        Answer(status: 204, body: .known(3), request: get("HEAD"), text: "HTTP/1.1 204 R\nA: b\n\n"),
        Answer(status: 103, body: .known(3), request: get("HEAD"), keepAlive: false, text: "HTTP/1.1 103 R\nA: b\n\n"),
        Answer(status: 103, minorVersion: 0, text: ""),
        Answer(body: .known(3), request: tunnel, keepAlive: false, text: "HTTP/1.1 200 R\nA: b\n\n"),
        Answer(
            status: 407, body: .known(3), request: tunnel, framing: .length(3), text: "HTTP/1.1 407 R\nA: b\nContent-Length: 3\n\n"),
        Answer(status: 101, request: upgrade, text: "HTTP/1.1 101 R\nConnection: upgrade\nA: b\nUpgrade: w\n\n"),
        Answer(
            status: 200, body: .known(1), request: upgrade, framing: .length(1), text: "HTTP/1.1 200 R\nA: b\nContent-Length: 1\n\n"
        ),
        Answer(
            status: 426, keepAlive: false,
            text: "HTTP/1.1 426 R\nConnection: upgrade\nConnection: close\nA: b\nUpgrade: w\nContent-Length: 0\n\n"),
        Answer(status: 426, minorVersion: 0, text: "HTTP/1.1 426 R\nConnection: keep-alive\nA: b\nContent-Length: 0\n\n"),
        Answer(status: 7, text: "HTTP/1.1 502 R\nA: b\nContent-Length: 0\n\n"),
    ]

    @Test(arguments: responses) func response(_ answer: Answer) {
        var buffer = ByteBuffer()
        let fields = HeaderFields([
            ("A", "b"), ("Content-Length", "99"), ("Connection", "x"), ("transfer-encoding", "y"), ("Upgrade", "w"),
        ])
        let head = ResponseHead(status: answer.status, reason: "R", body: answer.body, fields: fields)
        let framing = HTTP1Writer.response(
            head, to: answer.request, minorVersion: answer.minorVersion, keepAlive: answer.keepAlive, into: &buffer)
        #expect(framing == answer.framing)
        #expect(Array(buffer.readableBytesView) == wire(answer.text), "\(String(buffer: buffer))")
    }

    @Test func reasonWithALineEndIsLeftOut() {
        var buffer = ByteBuffer()
        _ = HTTP1Writer.response(ResponseHead(status: 200, reason: "a\r\nB: c"), to: Self.get(), keepAlive: true, into: &buffer)
        #expect(String(buffer: buffer) == "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n")
    }

    @Test(arguments: [(1, "1"), (15, "f"), (16, "10"), (255, "ff"), (65536, "10000"), (Int.max, "7fffffffffffffff")])
    func chunkHeader(_ length: Int, _ text: String) {
        var buffer = ByteBuffer()
        HTTP1Writer.chunkHeader(length: length, into: &buffer)
        HTTP1Writer.chunkTrailer(into: &buffer)
        #expect(String(buffer: buffer) == text + "\r\n\r\n")
    }

    @Test func lastChunk() {
        var buffer = ByteBuffer()
        HTTP1Writer.chunkHeader(length: 0, into: &buffer)
        HTTP1Writer.lastChunk(into: &buffer)
        HTTP1Writer.lastChunk(trailers: HeaderFields([("T", "1"), ("Content-Length", "5"), ("Host", "b")]), into: &buffer)
        #expect(String(buffer: buffer) == "0\r\n\r\n0\r\nT: 1\r\n\r\n")
    }

    /// The classes that are written out once more for speed.
    @Test func classesAreThoseOfTheGrammar() throws {
        for byte in UInt8.min...UInt8.max {
            let text = wire("G") + [byte] + wire("T /x HTTP/1.1\nHost: a\nB: ") + wire("c\n\n")
            let isMethod = Transcript(HTTP1RequestParser(), text).error == nil
            #expect(isMethod == HTTPGrammar.isTokenByte(byte), "\(byte)")
            let field = wire("GET / HTTP/1.1\nHost: a\nB: c") + [byte] + wire("d\n\n")
            #expect((Transcript(HTTP1RequestParser(), field).error == nil) == HTTPGrammar.isFieldValueByte(byte), "\(byte)")
            let target = wire("GET /") + [byte] + wire(" HTTP/1.1\nHost: a\n\n")
            #expect((Transcript(HTTP1RequestParser(), target).error == nil) == HTTPGrammar.isTargetByte(byte), "\(byte)")
        }
    }
}
