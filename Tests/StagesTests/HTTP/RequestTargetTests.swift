import HTTPMessages
import NIOCore
import Testing
import TunnelStages

struct RequestTargetTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var target: String
        var scheme: Scheme
        var authority: String
        var path: String
        var method = "GET"
        var testDescription: String { "\(method) \(target)" }
    }

    @Test(arguments: [
        Case(target: "http://a/b", scheme: .http, authority: "a", path: "/b"),
        Case(target: "HTTPS://A:1/b?c=d", scheme: .https, authority: "A:1", path: "/b?c=d"),
        Case(target: "http://a", scheme: .http, authority: "a", path: "/"),
        Case(target: "http://a", scheme: .http, authority: "a", path: "*", method: "OPTIONS"),
        Case(target: "http://a/", scheme: .http, authority: "a", path: "/", method: "OPTIONS"),
        Case(target: "http://a?b", scheme: .http, authority: "a", path: "/?b"),
        Case(target: "http://a#b", scheme: .http, authority: "a", path: "/"),
        Case(target: "http://a/b#c?d/e", scheme: .http, authority: "a", path: "/b"),
        Case(target: "http://[::1]:80/b://c", scheme: .http, authority: "[::1]:80", path: "/b://c"),
    ])
    func absoluteForm(_ one: Case) throws {
        let head = HTTP1RequestHead(one.method, one.target)
        let request = try RequestTarget.interpret(head, mode: .proxy, isSecure: false)
        #expect(request.scheme == one.scheme)
        #expect(request.authority == one.authority)
        #expect(request.path == one.path)
    }

    /// It stands for a whole server, which only OPTIONS can ask about (RFC 9112, 3.2.4).
    @Test(arguments: ["GET", "HEAD", "POST", "options", "X"]) func asteriskFormIsForOPTIONS(_ method: String) throws {
        let asked = try RequestTarget.interpret(HTTP1RequestHead("OPTIONS", "*"), mode: .origin, isSecure: false)
        #expect(asked.path == "*")
        for mode in [HTTPMode.origin, .proxy] {
            #expect { try RequestTarget.interpret(HTTP1RequestHead(method, "*"), mode: mode, isSecure: false) } throws: {
                ($0 as? RequestTarget.Refusal)?.status == 400
            }
        }
        var buffer = ByteBuffer()
        let head = RequestHead(method: method, scheme: .http, authority: "a", path: "*")
        #expect(throws: HTTP1Error(.badTarget)) { try HTTP1Writer.request(head, into: &buffer) }
        #expect(buffer.readableBytes == 0)
    }

    @Test func httpsWantsTLS() throws {
        let head = HTTP1RequestHead("GET", "https://a/b")
        #expect(try RequestTarget.interpret(head, mode: .origin, isSecure: true).scheme == .https)
        #expect(try RequestTarget.interpret(head, mode: .proxy, isSecure: false).scheme == .https)
        #expect { try RequestTarget.interpret(head, mode: .origin, isSecure: false) } throws: {
            ($0 as? RequestTarget.Refusal)?.status == 400
        }
    }

    @Test(arguments: [
        "http:", "http:/", "http:/a", "http://", "http:///a", "a", "a:80", "://a", "ftp://a/", "a:80://b", "http://a b/",
        "http://u@a/",
        "http://a:0/", "http//a", "",
    ])
    func refused(_ target: String) {
        #expect(throws: RequestTarget.Refusal.self) {
            try RequestTarget.interpret(HTTP1RequestHead("GET", target), mode: .proxy, isSecure: false)
        }
    }
}

extension HTTP1RequestHead {
    fileprivate init(_ method: String, _ target: String) {
        self.init(
            method: method, target: target, minorVersion: 1, fields: HeaderFields(), host: "a", body: .none, keepAlive: true,
            upgrade: nil, expectsContinue: false, proxyAuthorization: nil)
    }
}
