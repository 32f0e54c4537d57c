import HTTPMessages
import NIOCore
import Testing
import TunnelStages

@Suite struct HTTP1ResponseParserTests {
    static let valid: [Sample] = [
        Sample("HTTP/1.1 200 OK\nContent-Length: 2\nA: b\n\nok", "200 OK 1.1 length=2 | A: b", "body ok", "end"),
        Sample("HTTP/1.1 200\nContent-Length: 0\n\n", "200  1.1 length=0", "end"),
        Sample("HTTP/1.1 404 \nContent-Length: 0\n\n", "404  1.1 length=0", "end"),
        Sample("HTTP/1.1 404 Not  Fòund\nContent-Length: 0\n\n", "404 Not  Fòund 1.1 length=0", "end"),
        Sample("HTTP/1.1 299 ÿ\nContent-Length: 0\n\n", "299 \u{FFFD} 1.1 length=0", "end"),
        Sample("HTTP/1.1 200 OK\n\nabc\n", "200 OK 1.1 length=? close", "body abc\r\n", "end"),
        Sample("HTTP/1.0 200 OK\n\nabc", "200 OK 1.0 length=? close", "body abc", "end"),
        Sample("HTTP/1.0 200 OK\nContent-Length: 1\nConnection: keep-alive\n\na", "200 OK 1.0 length=1", "body a", "end"),
        Sample("HTTP/1.0 200 OK\nContent-Length: 1\n\na", "200 OK 1.0 length=1 close", "body a", "end"),
        Sample("HTTP/1.1 200 OK\nConnection: close\nContent-Length: 1\n\na", "200 OK 1.1 length=1 close", "body a", "end"),
        Sample(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\nDigest: x\n\n", "200 OK 1.1 length=? chunked", "body abc",
            "end | Digest: x"),
        Sample("HTTP/1.1 200 OK\nContent-Length: 3, 3\n\nabc", "200 OK 1.1 length=3", "body abc", "end"),
        // What has no body whatever it says.
        Sample("HTTP/1.1 200 OK\nContent-Length: 9\n\n", "200 OK 1.1 length=9", "end", to: ["HEAD"]),
        Sample("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n", "200 OK 1.1 length=? chunked", "end", to: ["HEAD"]),
        Sample("HTTP/1.1 200 OK\n\n", "200 OK 1.1", "end", to: ["HEAD"]),
        Sample("HTTP/1.1 304 Not Modified\nContent-Length: 9\n\n", "304 Not Modified 1.1 length=9", "end"),
        Sample("HTTP/1.1 204 No Content\nContent-Length: 9\n\n", "204 No Content 1.1", "end"),
        // Informational heads come before the head that counts.
        Sample(
            "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: x\nContent-Length: 4\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\na",
            "100 Continue 1.1", "103 Early Hints 1.1 | Link: x", "200 OK 1.1 length=1", "body a", "end"),
        // Raw bytes follow.
        Sample(
            "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nA: b\n\nraw",
            "101 Switching Protocols 1.1 close upgrade=websocket | A: b | Upgrade: websocket", "rest raw", to: ["GET+"]),
        Sample("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "200 OK 1.1 close", "rest abc", to: ["CONNECT"]),
        Sample("HTTP/1.1 407 No\nContent-Length: 3\n\nabc", "407 No 1.1 length=3", "body abc", "end", to: ["CONNECT"]),
        // Only 101 passes Upgrade on, and 426, which says with it what is required; a plain offer is for this connection.
        Sample(
            "HTTP/1.1 426 No\nUpgrade: TLS/1.0, websocket\nConnection: Upgrade\nContent-Length: 0\n\n",
            "426 No 1.1 length=0 | Upgrade: websocket", "end"),
        Sample(
            "HTTP/1.1 200 OK\nUpgrade: h2\nConnection: Upgrade\nContent-Length: 0\n\n", "200 OK 1.1 length=0", "end", to: ["GET+"]),
        Sample(
            "HTTP/1.1 200 OK\nConnection: x-a\nX-A: 1\nKeep-Alive: timeout=5\nProxy-Authenticate: Basic\nProxy-Status: p\nSet-Cookie: a\n"
                + "Set-Cookie: b\nContent-Length: 0\n\n",
            "200 OK 1.1 length=0 | Proxy-Status: p | Set-Cookie: a | Set-Cookie: b", "end"),
        // A space before the colon is taken out, in trailers too (RFC 9112, 5.1).
        Sample(
            "HTTP/1.1 200 OK\nX-A : 1; b\nX-B\t \t:2\nContent-Length : 2\n\nok", "200 OK 1.1 length=2 | X-A: 1; b | X-B: 2",
            "body ok",
            "end"),
        Sample(
            "HTTP/1.1 200 OK\nTransfer-Encoding : chunked\nConnection : x-hop\nX-Hop : 1\n\n1\na\n0\nX-T : 1\nContent-Length : 9\n\n",
            "200 OK 1.1 length=? chunked", "body a", "end | X-T: 1"),
        Sample("HTTP/1.1 200 OK\nA : b\n\n", "200 OK 1.1 close | A: b", to: ["CONNECT"]),
        Sample(
            "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2  \nok\n1 ; a = b\n.\n0 \n\n", "200 OK 1.1 length=? chunked",
            "body ok.",
            "end"),
        // One after the other.
        Sample(
            "HTTP/1.1 200 OK\nContent-Length: 1\n\naHTTP/1.1 200 OK\nContent-Length: 8\n\nHTTP/1.1 204 No\n\n",
            "200 OK 1.1 length=1", "body a", "end", "200 OK 1.1 length=8", "end", "204 No 1.1", "end", to: ["GET", "HEAD", "GET"]),
    ]

    @Test(arguments: valid) func isRead(_ sample: Sample) {
        let (transcript, differing) = Transcript.ofEveryCut(AnsweringParser(sample.methods), wire(sample.text))
        #expect(transcript.lines == sample.expected)
        #expect(differing.isEmpty)
    }

    static let ok = "HTTP/1.1 200 OK\n"

    static let invalid: [(HTTP1Error.Code, String)] = [
        (.badStatusLine, "SSH-2.0"), (.badStatusLine, "\nHTTP/1.1 200 OK\n\n"), (.badStatusLine, "HTTP/1.1\n\n"),
        (.badStatusLine, "HTT\n\n"),
        (.badStatusLine, "HTTP/1.1 20 OK\n\n"), (.badStatusLine, "HTTP/1.1  200 OK\n\n"), (.badStatusLine, "HTTP/1.1 2000\n\n"),
        (.badStatusLine, "HTTP/1.1 099 OK\n\n"), (.badStatusLine, "HTTP/1.1 +20 OK\n\n"), (.badStatusLine, "HTTP/1.1 200OK\n\n"),
        (.badStatusLine, "HTTP/1.1 200 O␀K\n\n"), (.badStatusLine, "HTTP/1.1 200 O␍K\n\n"), (.badStatusLine, "http/1.1 200 OK\n\n"),
        (.badVersion, "HTTP/1x1 200 OK\n\n"), (.unsupportedVersion, "HTTP/2.0 200 OK\n\n"),
        (.bareLineFeed, "HTTP/1.1 200 OK␊\n"), (.bareLineFeed, ok + "A: b␊\n"),
        (.foldedField, ok + "A: b\n c\n\n"), (.foldedField, ok + " : 5\n\n"),
        (.badFieldName, ok + "A B : 5\n\n"), (.badFieldName, ok + "A\u{B}: 5\n\n"),
        (.lengthAndTransferEncoding, ok + "Content-Length : 1\nTransfer-Encoding: chunked\n\n"),
        (.badFieldValue, ok + "A: ␀\n\n"),
        (.badLength, ok + "Content-Length: x\n\n"), (.differingLengths, ok + "Content-Length: 1\nContent-Length: 2\n\n"),
        (.lengthAndTransferEncoding, ok + "Content-Length: 1\nTransfer-Encoding: chunked\n\n"),
        (.unsupportedTransferCoding, ok + "Transfer-Encoding: gzip, chunked\n\n"),
        (.chunkedNotLast, ok + "Transfer-Encoding: chunked, gzip\n\n"),
        (.transferEncodingTooOld, "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n"),
        (.badChunkSize, ok + "Transfer-Encoding: chunked\n\nx\n"), (.unexpectedUpgrade, "HTTP/1.1 101 Switching\nUpgrade: x\n\n"),
        (.truncated, "HTTP"), (.truncated, ok), (.truncated, ok + "Content-Length: 2\n\nx"),
        (.truncated, "HTTP/1.1 100 Continue\n\n"),
        (.truncated, ok + "Transfer-Encoding: chunked\n\n1\nx\n"), (.noResponse, ""),
        (.unexpectedBytes, ok + "Content-Length: 2\n\nokx"), (.unexpectedBytes, "HTTP/1.1 204 No\nContent-Length: 1\n\nx"),
    ]

    @Test(arguments: invalid) func isRefused(_ code: HTTP1Error.Code, _ text: String) {
        let (transcript, differing) = Transcript.ofEveryCut(AnsweringParser(), wire(text))
        #expect(transcript.error?.code == code, "\(transcript)")
        #expect(differing.isEmpty)
    }

    @Test func bytesBeforeTheRequestAreNoAnswer() throws {
        var parser = HTTP1ResponseParser()
        #expect(parser.isIdle)
        #expect(try parser.finish() == nil)
        parser.append(ByteBuffer(bytes: wire("HTTP/1.1 200 OK\nContent-Length: 0\n\n")))
        #expect(!parser.isIdle)
        parser.expectResponse(to: "GET")
        #expect(throws: HTTP1Error(.unexpectedBytes)) { _ = try parser.next() }
    }

    /// What a client gets is what came, whatever bytes those are.
    @Test func reasonIsPassedOnAsItCame() throws {
        let words = [UInt8](0x80...0xFF) + Array(" caf\u{E9}".utf8)
        var parser = HTTP1ResponseParser()
        parser.expectResponse(to: "GET")
        parser.append(ByteBuffer(bytes: wire("HTTP/1.1 299 ") + words + wire("\nContent-Length: 0\n\n")))
        guard case .head(let head) = try parser.next() else {
            Issue.record("no response")
            return
        }
        var payload = ByteBuffer()
        #expect(MuxHeadCoding.encode(ResponseHead(status: head.status, phrase: head.phrase), into: &payload))
        let carried = try #require(MuxHeadCoding.decodeResponse(payload, mayBeDeflated: false))
        var written = ByteBuffer()
        let request = RequestHead(method: "GET", scheme: .http, authority: "a", path: "/")
        _ = HTTP1Writer.response(carried, to: request, keepAlive: true, into: &written)
        #expect(Array(written.readableBytesView.prefix(13 + words.count)) == Array("HTTP/1.1 299 ".utf8) + words)
        var renamed = carried
        renamed.reason = "OK"
        #expect(renamed == ResponseHead(status: 299, reason: "OK"))
    }

    @Test func isIdleOnlyBetweenResponses() throws {
        var parser = HTTP1ResponseParser()
        parser.expectResponse(to: "GET")
        #expect(!parser.isIdle)
        parser.append(ByteBuffer(bytes: wire("HTTP/1.1 200 OK\nContent-Length: 1\n\na")))
        guard case .head = try parser.next(), case .body = try parser.next() else {
            Issue.record("no response")
            return
        }
        #expect(!parser.isIdle)
        #expect(try parser.next() == .end(nil))
        #expect(parser.isIdle)
    }
}
