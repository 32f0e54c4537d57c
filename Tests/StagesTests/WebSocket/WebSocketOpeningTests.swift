import Foundation
import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

@Suite struct WebSocketOpeningTests {
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private static let accepted =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

    private func opening(_ fields: [(String, String)] = []) -> WebSocketOpening {
        var request = WebSocketOpening.Request(path: "/tunnel", host: "www.example.org:8443")
        for (name, value) in fields { request.fields.append(name, value) }
        return WebSocketOpening(request, key: Self.key)
    }

    @Test func theRequest() {
        let request = String(buffer: opening([("Authorization", "Bearer x"), ("X-A", "1"), ("X-A", "2")]).request)
        let lines = request.components(separatedBy: "\r\n")
        #expect(lines[0...1] == ["GET /tunnel HTTP/1.1", "Host: www.example.org:8443"])
        #expect(lines[2].hasPrefix("User-Agent: "))
        #expect(
            lines[3...] == [
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: \(Self.key)", "Sec-WebSocket-Version: 13",
                "Authorization: Bearer x", "X-A: 1", "X-A: 2", "", "",
            ])
        let named = String(buffer: opening([("User-Agent", "curl/8")]).request)
        #expect(named.components(separatedBy: "User-Agent").count == 2 && named.contains("User-Agent: curl/8\r\n"))
    }

    /// However the bytes come, what is behind the response is the WebSocket's.
    @Test func splitAtEachByte() {
        let bytes = Array("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\(Self.accepted)\r\n".utf8) + [0x82, 1, 65]
        for index in 0...bytes.count {
            var opening = opening()
            let first = opening.receive(ByteBuffer(bytes: bytes[..<index]))
            var rest: [UInt8] = []
            if case .open(let early) = first {
                rest = Array(early.readableBytesView) + bytes[index...]
            } else if case .open(let later) = opening.receive(ByteBuffer(bytes: bytes[index...])) {
                rest = Array(later.readableBytesView)
            }
            #expect(rest == [0x82, 1, 65], "split at \(index)")
        }
    }

    private func refusal(_ response: String) -> WebSocketOpening.Refusal? {
        var opening = opening()
        if case .refused(let refusal) = opening.receive(ByteBuffer(string: response)) { return refusal }
        return opening.finish()
    }

    @Test(arguments: [
        ("200 OK", "has a page and no WebSocket (200)", true), ("302 Found", "leads elsewhere (302)", true),
        ("400 Bad", "(400)", true),
        ("401 No", "doesn't let this side in (401)", true), ("403 No", "doesn't let this side in (403)", true),
        ("404 Not Found", "has no WebSocket (404): 'path' has to be", true), ("421 Misdirected", "(421)", true),
        ("426 Upgrade", "every reverse proxy on the way has to pass 'Upgrade' on", true), ("418 Teapot", "answers 418", true),
        ("429 Many", "wants to be asked later (429)", false), ("500 Oops", "answers 500", false), ("501 No", "(501)", true),
        ("502 Bad Gateway", "can't reach the server behind it (502)", false), ("503 No", "(503)", false),
        ("504 No", "(504)", false),
    ])
    func whatIsRefused(_ status: String, _ words: String, _ isMismatch: Bool) throws {
        let page = "<html><title>\(status)</title><p>nginx</p></html>"
        let head = "HTTP/1.1 \(status)\r\nContent-Type: text/html\r\nContent-Length: \(page.utf8.count)\r\n\r\n"
        let found = try #require(refusal(head + page))
        #expect(found.sentence.hasPrefix("what answers for '/tunnel' at www.example.org:8443 "))
        #expect(found.sentence.contains(words) && found.sentence.contains("nginx"), "\(found.sentence)")
        #expect(found.isMismatch == isMismatch)
        // What has come is enough where the rest doesn't.
        #expect(refusal(head)?.sentence.contains(words) == true)
    }

    @Test func whereItLeadsIsSaid() {
        let found =
            refusal("HTTP/1.1 302 Found\r\nLocation: http://login.example/\u{1B}[31m\r\nContent-Length: 0\r\n\r\n")
            ?? refusal("HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\n\r\n")
        #expect(found?.sentence.contains("http://login.example/") == true || found?.sentence.contains("no valid HTTP") == true)
        #expect(found?.sentence.contains("\u{1B}") == false)
    }

    @Test(arguments: [
        ("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Sec-WebSocket-Accept: AAAALMBiTxaQ9kYGzzhZRbK+xOo="),
        ("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", ""), ("Upgrade: websocket", "Upgrade: h2c"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"),
        ("Upgrade: websocket\r\n", "Upgrade: websocket\r\nSec-WebSocket-Protocol: chat\r\n"),
    ])
    func anAgreementToSomethingElse(_ part: String, _ other: String) throws {
        let found = try #require(refusal(Self.accepted.replacing(part, with: other) + "\r\n"))
        #expect(found.isMismatch && found.sentence.contains("(101)"), "\(found.sentence)")
    }

    @Test func aProtocolThatWasAskedFor() {
        var opening = opening([("Sec-WebSocket-Protocol", "binary")])
        let answer = opening.receive(ByteBuffer(string: Self.accepted + "Sec-WebSocket-Protocol: binary\r\n\r\n"))
        #expect(answer == .open(ByteBuffer()))
    }

    @Test func whatIsNoHTTP() {
        #expect(refusal("SSH-2.0-OpenSSH_9.2\r\n")?.sentence.contains("sends no valid HTTP: ") == true)
        #expect(refusal("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{46}")?.isMismatch == true)
    }

    /// A page without end isn't read to it.
    @Test func aPageWithoutEnd() {
        var opening = opening()
        _ = opening.receive(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"))
        var count = 0
        while case .more = opening.receive(ByteBuffer(repeating: 65, count: 1_000)) {
            count += 1
            guard count < 100 else { break }
        }
        #expect(count < 20)
    }
}
