import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

@Suite struct WebSocketOfferTests {
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    /// As a client asks (RFC 6455, 1.3), with a change.
    private func ask(
        _ offer: WebSocketOffer = .init(path: "/tunnel"), _ change: (String) -> String = { $0 }
    ) throws -> WebSocketOffer.Answer {
        let request =
            "GET /tunnel HTTP/1.1\r\nHost: www.example.org:8080\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
            + "Sec-WebSocket-Key: \(Self.key)\r\nSec-WebSocket-Version: 13\r\n\r\n"
        var parser = HTTP1RequestParser()
        parser.append(ByteBuffer(string: change(request)))
        guard case .head(let head)? = try parser.next() else {
            Issue.record("no head")
            return .other
        }
        return offer.answer(head)
    }

    private static let opened = WebSocketOffer.Answer.open(
        ByteBuffer(
            string: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"))

    @Test func whatIsAskedForAsItHasToBe() throws {
        #expect(try ask() == Self.opened)
        #expect(try ask { $0.replacing("/tunnel ", with: "/tunnel?a=b ") } == Self.opened)
        #expect(try ask { $0.replacing("Upgrade: websocket", with: "Upgrade: h2c, WebSocket") } == Self.opened)
        #expect(try ask { $0.replacing("Version: 13\r\n", with: "Version: 13\r\nContent-Length: 0\r\n") } == Self.opened)
        #expect(try ask(.init(path: "/tunnel", host: "WWW.example.org")) == Self.opened)
        #expect(try ask(.init(path: "/tunnel?a=b")) { $0.replacing("/tunnel ", with: "/tunnel?a=b ") } == Self.opened)
    }

    /// A site doesn't show that there is a WebSocket.
    @Test(arguments: [
        ("/tunnel ", "/ "), ("/tunnel ", "/tunnels "), ("/tunnel ", "/tunnel/ "), ("/tunnel ", "/TUNNEL "), ("GET", "POST"),
        ("GET", "HEAD"),
        ("Upgrade: websocket\r\n", ""), ("Upgrade: websocket", "Upgrade: h2c"), ("keep-alive, Upgrade", "keep-alive"),
        ("HTTP/1.1", "HTTP/1.0"),
    ])
    func whatIsForSomethingElse(_ part: String, _ other: String) throws {
        #expect(try ask { $0.replacing(part, with: other) } == .other)
    }

    @Test func aHostThatIsntServed() throws {
        #expect(try ask(.init(path: "/tunnel", host: "example.org")) == .other)
        #expect(try ask(.init(path: "/tunnel?a=b")) == .other)
    }

    @Test(arguments: [
        ("Version: 13", "Version: 8", 426), ("Sec-WebSocket-Version: 13\r\n", "", 426), ("Sec-WebSocket-Key: \(key)\r\n", "", 400),
        (key, "", 400), (key, "dGhlIHNhbXBsZSBub25jZQ", 400), (key, "c2hvcnQ=", 400),
        (key, "dGhlIHNhbXBsZSBub25jZQdGhlIHNhbXBsZQ==", 400),
        ("Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Key: \(key)\r\nSec-WebSocket-Key: \(key)", 400),
        ("Version: 13\r\n", "Version: 13\r\nContent-Length: 3\r\n", 400),
    ])
    func whatIsRefused(_ part: String, _ other: String, _ status: Int) throws {
        guard case .refuse(let response, let reason) = try ask(.init(path: "/tunnel"), { $0.replacing(part, with: other) }) else {
            Issue.record("it isn't refused")
            return
        }
        let text = String(buffer: response)
        #expect(text.hasPrefix("HTTP/1.1 \(status) ") && text.hasSuffix("Connection: close\r\n\r\n") && !reason.isEmpty)
        #expect(text.contains("Sec-WebSocket-Version: 13") == (status == 426))
    }
}
