import HTTPMessages
import NIOCore
import Testing
import TunnelStages

@Suite struct HTTP1RequestParserTests {
    static let valid: [Sample] = [
        Sample("GET / HTTP/1.1\nHost: a\n\n", "GET / 1.1 host=a", "end"),
        Sample(
            "GET http://a.example/x?y HTTP/1.1\nhOsT:a.example:80\nB:  c\t \n\n",
            "GET http://a.example/x?y 1.1 host=a.example:80 | B: c", "end"),
        // Order, case, duplicates and empty values survive.
        Sample("GET / HTTP/1.1\nb: 2\nHost: a\nB: 1\nA:\nb: 3 , 4\n\n", "GET / 1.1 host=a | b: 2 | B: 1 | A:  | b: 3 , 4", "end"),
        Sample("GET / HTTP/1.1\nHost:\n\n", "GET / 1.1 host=", "end"),
        Sample("GET / HTTP/1.1\nHost: [::1]:8080\n\n", "GET / 1.1 host=[::1]:8080", "end"),
        Sample("BREW-IT! / HTTP/1.1\nHost: a\n\n", "BREW-IT! / 1.1 host=a", "end"),
        Sample("get /ä HTTP/1.1\nHost: a\n\n", "get /%C3%A4 1.1 host=a", "end"),
        Sample("\n\nGET / HTTP/1.1\nHost: a\n\n", "GET / 1.1 host=a", "end"),
        Sample("GET / HTTP/1.7\nHost: a\n\n", "GET / 1.1 host=a", "end"),
        // Keeping the connection.
        Sample("GET / HTTP/1.0\n\n", "GET / 1.0 host=- close", "end"),
        Sample("GET / HTTP/1.0\nConnection: x, Keep-Alive\n\n", "GET / 1.0 host=-", "end"),
        Sample("GET / HTTP/1.1\nHost: a\nConnection: close\n\n", "GET / 1.1 host=a close", "end"),
        Sample("GET / HTTP/1.1\nHost: a\nConnection: keep-alive\nConnection: ,, CLOSE\n\n", "GET / 1.1 host=a close", "end"),
        // Bodies.
        Sample("POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello", "POST / 1.1 host=a length=5", "body hello", "end"),
        Sample("POST / HTTP/1.1\nHost: a\nContent-Length: 0\n\n", "POST / 1.1 host=a length=0", "end"),
        Sample(
            "POST / HTTP/1.1\nHost: a\ncontent-length: 2, 02\nContent-Length: 2\n\nok", "POST / 1.1 host=a length=2", "body ok",
            "end"),
        Sample("POST / HTTP/1.0\nContent-Length: 2\n\nok", "POST / 1.0 host=- length=2 close", "body ok", "end"),
        Sample(
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\n\n5\nhello\n00a;x=\"y\"\n, world!!!\n0\n\n",
            "POST / 1.1 host=a length=?", "body hello, world!!!", "end"),
        Sample(
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n2;a\nok\n0;b\nT: 1\nt: 2\n\n",
            "POST / 1.1 host=a length=?", "body ok", "end | T: 1 | t: 2"),
        // Trailers that would change framing, routing or what the connection means are dropped.
        Sample(
            "POST / HTTP/1.1\nHost: a\nConnection: x-hop\nTrailer: T\nTransfer-Encoding: chunked\n\n0\nContent-Length: 4\nHost: b\nX-Hop: 1\nT: 1\n"
                + "Transfer-Encoding: chunked\nConnection: close\nAuthorization: b\nProxy-Status: c\nProxy-Authorization: d\nProxy-Unknown: e\n\n",
            "POST / 1.1 host=a length=? | Trailer: T", "end | T: 1 | Proxy-Status: c"),
        Sample("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\nTE: x\n\n", "POST / 1.1 host=a length=?", "end"),
        Sample(
            "PUT / HTTP/1.1\nHost: a\nExpect: 100-Continue\nContent-Length: 1\n\nx",
            "PUT / 1.1 host=a length=1 continue | Expect: 100-Continue", "body x", "end"),
        Sample("GET / HTTP/1.1\nHost: a\nExpect: 100-continue\n\n", "GET / 1.1 host=a | Expect: 100-continue", "end"),
        // Pipelined.
        Sample(
            "POST /1 HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc\nGET /2 HTTP/1.1\nHost: b\n\nGET /3 HTTP/1.0\n\n",
            "POST /1 1.1 host=a length=3", "body abc", "end", "GET /2 1.1 host=b", "end", "GET /3 1.0 host=- close", "end"),
        // Hop-by-hop fields.
        Sample(
            "GET / HTTP/1.1\nX-One: 1\nHost: a\nConnection: x-one, X-TWO, close\nKeep-Alive: 5\nTE: trailers\nProxy-Connection: a\n"
                + "Proxy-Authorization: Basic eA==\nProxy-Else: 1\nProxy: 2\nX-Two: 2\nX-Three: 3\n\n",
            "GET / 1.1 host=a close auth=Basic eA== | Proxy: 2 | X-Three: 3", "end"),
        // Naming them in Connection doesn't take their meaning away.
        Sample(
            "POST / HTTP/1.1\nConnection: Host, Content-Length, Expect\nHost: a\nContent-Length: 2\nExpect: 100-continue\n\nok",
            "POST / 1.1 host=a length=2 continue | Expect: 100-continue", "body ok", "end"),
        Sample(
            "POST / HTTP/1.1\nConnection: Transfer-Encoding\nHost: a\nTransfer-Encoding: chunked\n\n1\nx\n0\n\n",
            "POST / 1.1 host=a length=?", "body x", "end"),
        // Bytes that are no UTF-8 (shown as U+FFFD, kept as they are: see below).
        Sample("GET / HTTP/1.1\nHost: a\nB: ÿ\n\n", "GET / 1.1 host=a | B: \u{FFFD}", "end"),
        // Raw bytes follow.
        Sample("CONNECT a:443 HTTP/1.1\nHost: a:443\n\n\u{16}raw", "CONNECT a:443 1.1 host=a:443", "rest \u{16}raw"),
        Sample(
            "CONNECT a:443 HTTP/1.1\nHost: a\nContent-Length: 0\nUpgrade: x\nConnection: upgrade\n\n",
            "CONNECT a:443 1.1 host=a length=0"),
        Sample(
            "GET / HTTP/1.1\nHost: a\nUpgrade: websocket\nA: b\nConnection: keep-alive, Upgrade\n\nraw",
            "GET / 1.1 host=a upgrade=websocket | A: b | Upgrade: websocket", "rest raw"),
        Sample(
            "GET / HTTP/1.1\nHost: a\nUpgrade: h2c, x/1\nUpgrade: TLS/1.0, y\nConnection: Upgrade, HTTP2-Settings\nHTTP2-Settings: z\n\n",
            "GET / 1.1 host=a upgrade=x/1, y | Upgrade: x/1, y"),
        Sample("GET / HTTP/1.1\nHost: a\nUpgrade: h2c, HTTP/2.0, a b\nConnection: Upgrade\n\n", "GET / 1.1 host=a", "end"),
        Sample("GET / HTTP/1.1\nHost: a\nUpgrade: websocket\n\n", "GET / 1.1 host=a", "end"),
        Sample("GET / HTTP/1.0\nUpgrade: websocket\nConnection: upgrade\n\n", "GET / 1.0 host=- close", "end"),
        // With a body they follow that.
        Sample(
            "POST / HTTP/1.1\nHost: a\nUpgrade: tcp\nConnection: upgrade\nContent-Length: 2\n\nyzraw",
            "POST / 1.1 host=a length=2 upgrade=tcp | Upgrade: tcp", "body yz", "end", "rest raw"),
        Sample(
            "POST / HTTP/1.1\nHost: a\nUpgrade: tcp\nConnection: upgrade\nContent-Length: 0\n\nraw",
            "POST / 1.1 host=a length=0 upgrade=tcp | Upgrade: tcp", "rest raw"),
        Sample(
            "POST / HTTP/1.1\nHost: a\nUpgrade: h2c\nConnection: upgrade\nTransfer-Encoding: chunked\n\n0\n\n",
            "POST / 1.1 host=a length=?", "end"),
        // Blanks around a chunk's extension, and behind its size.
        Sample(
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n1 \na\n2 \t; x = y ; z\nbc\n1                       \nd\n0  \n\n",
            "POST / 1.1 host=a length=?", "body abcd", "end"),
    ]

    @Test(arguments: valid) func isRead(_ sample: Sample) {
        let (transcript, differing) = Transcript.ofEveryCut(HTTP1RequestParser(), wire(sample.text))
        #expect(transcript.lines == sample.expected)
        #expect(differing.isEmpty)
    }

    static let head = "POST / HTTP/1.1\nHost: a\n"
    static let chunked = head + "Transfer-Encoding: chunked\n\n"

    static let invalid: [(HTTP1Error.Code, String)] = [
        (.badRequestLine, "\u{16}\u{3}\u{1}"), (.badRequestLine, " GET / HTTP/1.1\n"), (.badVersion, "GET / \n\n"),
        (.badRequestLine, "GET\n\n"), (.badRequestLine, "GET /\n\n"), (.badRequestLine, "GET HTTP/1.1\n\n"),
        (.badRequestLine, "GET  HTTP/1.1\n\n"), (.badRequestLine, "G@T / HTTP/1.1\n\n"), (.badRequestLine, "GE\tT / HTTP/1.1\n\n"),
        (.badTarget, "GET  / HTTP/1.1\n\n"), (.badTarget, "GET /  HTTP/1.1\n\n"), (.badTarget, "GET /a b HTTP/1.1\n\n"),
        (.badTarget, "GET /\t HTTP/1.1\n\n"), (.badTarget, "GET /␀ HTTP/1.1\n\n"), (.badTarget, "GET /␍ HTTP/1.1\n\n"),
        (.badTarget, "GET / HTTP/1.1 \n\n"), (.badVersion, "GET / http/1.1\n\n"), (.badVersion, "GET / HTTP/1\n\n"),
        (.badVersion, "GET / HTTP/1.10\n\n"), (.badVersion, "GET / HTTP/11\n\n"), (.badVersion, "GET / HTTP/1.1␍\n\n"),
        (.unsupportedVersion, "GET / HTTP/2.0\n\n"), (.unsupportedVersion, "PRI * HTTP/2.0\n\nSM\n\n"),
        (.unsupportedVersion, "GET / HTTP/0.9\n\n"), (.tooManyEmptyLines, "\n\n\n\n\nGET / HTTP/1.1\nHost: a\n\n"),
        (.bareLineFeed, "␊GET / HTTP/1.1\nHost: a\n\n"), (.bareLineFeed, "GET / HTTP/1.1␊Host: a\n\n"),
        (.bareLineFeed, "GET / HTTP/1.1\nHost: a␊\n"), (.bareLineFeed, "GET / HTTP/1.1\nHost: a\n␊"),
        (.bareLineFeed, head + "A: b␊C: d\n\n"), (.bareLineFeed, chunked + "1␊x\n0\n\n"), (.bareLineFeed, chunked + "0\n␊"),
        (.foldedField, head + "A: b\n c\n\n"), (.foldedField, head + "A: b\n\tc\n\n"),
        (.foldedField, "GET / HTTP/1.1\n Host: a\n\n"),
        (.missingColon, head + "A\n\n"), (.missingColon, head + "A␍\n\n"), (.emptyFieldName, head + ": b\n\n"),
        (.spaceBeforeColon, head + "A : b\n\n"), (.spaceBeforeColon, head + "A\t: b\n\n"),
        (.spaceBeforeColon, "POST / HTTP/1.1\nHost: a\nTransfer-Encoding : chunked\n\n"),
        (.badFieldName, head + "A B: c\n\n"), (.badFieldName, head + "A␀: b\n\n"), (.badFieldName, head + "ä: b\n\n"),
        (.badFieldName, head + "(a): b\n\n"), (.badFieldName, head + "A␍B: b\n\n"),
        (.badFieldValue, head + "A: b␀\n\n"), (.badFieldValue, head + "A: b␍c\n\n"), (.badFieldValue, head + "A: \u{7F}\n\n"),
        (.badFieldValue, head + "A: b␍\n\n"), (.badFieldValue, head + "A: \u{1}\n\n"),
        (.badLength, head + "Content-Length:\n\n"), (.badLength, head + "Content-Length: -1\n\n"),
        (.badLength, head + "Content-Length: +1\n\n"), (.badLength, head + "Content-Length: 0x1\n\n"),
        (.badLength, head + "Content-Length: 1 1\n\n"), (.badLength, head + "Content-Length: 1,\n\n"),
        (.badLength, head + "Content-Length: 1.0\n\n"), (.badLength, head + "Content-Length: 9223372036854775808\n\n"),
        (.badLength, head + "Content-Length: 18446744073709551617\n\n"), (.differingLengths, head + "Content-Length: 1, 2\n\n"),
        (.differingLengths, head + "Content-Length: 1\nContent-Length: 2\n\n"),
        (.lengthAndTransferEncoding, head + "Content-Length: 5\nTransfer-Encoding: chunked\n\n0\n\n"),
        (.lengthAndTransferEncoding, head + "Transfer-Encoding: chunked\nContent-Length: 5\n\n0\n\n"),
        (.unsupportedTransferCoding, head + "Transfer-Encoding: gzip, chunked\n\n"),
        (.chunkedNotLast, head + "Transfer-Encoding: gzip\n\n"),
        (.chunkedNotLast, head + "Transfer-Encoding: chunked, gzip\n\n"),
        (.chunkedNotLast, head + "Transfer-Encoding: xchunked\n\n"),
        (.chunkedNotLast, head + "Transfer-Encoding: \"chunked\"\n\n"),
        (.chunkedNotLast, head + "Transfer-Encoding: chunked;a=b\n\n"),
        (.chunkedNotLast, head + "Transfer-Encoding: identity\n\n"),
        (.badTransferEncoding, head + "Transfer-Encoding: chunked, chunked\n\n"),
        (.badTransferEncoding, head + "Transfer-Encoding:\n\n"),
        (.chunkedNotLast, head + "Transfer-Encoding: chunked\nTransfer-Encoding: gzip\n\n"),
        (.unsupportedTransferCoding, head + "Transfer-Encoding: gzip\nTransfer-Encoding: , chunked\n\n"),
        (.badTransferEncoding, head + "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n"),
        (.transferEncodingTooOld, "POST / HTTP/1.0\nTransfer-Encoding: chunked\n\n"),
        (.connectWithBody, "CONNECT a:1 HTTP/1.1\nHost: a\nContent-Length: 1\n\n"),
        (.connectWithBody, "CONNECT a:1 HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n"),
        (.missingHost, "GET / HTTP/1.1\n\n"), (.missingHost, "GET http://a/ HTTP/1.1\nA: b\n\n"),
        (.missingHost, "CONNECT a:1 HTTP/1.1\n\n"),
        (.multipleHosts, "GET / HTTP/1.1\nHost: a\nHost: a\n\n"), (.multipleHosts, "GET / HTTP/1.0\nHost: a\nHost: b\n\n"),
        (.badHost, "GET / HTTP/1.1\nHost: a b\n\n"), (.badHost, "GET / HTTP/1.1\nHost: u@a\n\n"),
        (.badHost, "GET / HTTP/1.1\nHost: a/b\n\n"),
        (.badHost, "GET / HTTP/1.1\nHost: a, b\n\n"), (.badHost, "GET / HTTP/1.1\nHost: ä\n\n"),
        (.badChunkSize, chunked + "\n"), (.badChunkSize, chunked + "g\n"), (.badChunkSize, chunked + "-1\n"),
        (.badChunkSize, chunked + "+1\n"),
        (.badChunkSize, chunked + "0x1\n"), (.badChunkSize, chunked + " 1\n"), (.badChunkSize, chunked + "1 1\nx\n"),
        (.badChunkSize, chunked + "1 x\n"), (.badChunkSize, chunked + "1 ␍\nx\n"), (.bareLineFeed, chunked + "1 ␊x\n"),
        (.upgradeWithoutLength, head + "Upgrade: tcp\nConnection: Upgrade\nTransfer-Encoding: chunked\n\n0\n\n"),
        (.spaceBeforeColon, head + "A : b\n\n"), (.spaceBeforeColon, head + "A\t: b\n\n"),
        (.spaceBeforeColon, chunked + "0\nA : b\n\n"),
        (.badChunkSize, chunked + "8000000000000000\n"), (.badChunkSize, chunked + "00000000000000001\n"),
        (.badChunkSize, chunked + "10000000000000000\n"), (.badChunkSize, chunked + "1;␀\nx\n"),
        (.badChunkSize, chunked + "1;a␍b\nx\n"),
        (.badChunkEnd, chunked + "1\nxy\n"), (.badChunkEnd, chunked + "1\nx␍y"), (.badChunkEnd, chunked + "1\nx␊"),
        (.badFieldValue, chunked + "0\nA: ␀\n\n"), (.foldedField, chunked + "0\nA: b\n c\n\n"),
        (.missingColon, chunked + "0\nGET / HTTP/1.1\n\n"),
        (.truncated, "G"), (.truncated, "GET / HTTP/1.1\nHost: a\n"), (.truncated, head + "Content-Length: 2\n\nx"),
        (.truncated, chunked), (.truncated, chunked + "2\nx"), (.truncated, chunked + "1\nx\n0\n"),
    ]

    @Test(arguments: invalid) func isRefused(_ code: HTTP1Error.Code, _ text: String) {
        let (transcript, differing) = Transcript.ofEveryCut(HTTP1RequestParser(), wire(text))
        #expect(transcript.error?.code == code, "\(transcript)")
        #expect(differing.isEmpty)
    }

    @Test func bytesOfFieldsSurvive() throws {
        let value = [UInt8](0x80...0xFF) + [0x09, 0x20, 0x41]
        var parser = HTTP1RequestParser()
        parser.append(ByteBuffer(bytes: wire("GET / HTTP/1.1\nHost: a\nB: ") + value + wire("\n\n")))
        guard case .head(let head) = try parser.next() else {
            Issue.record("no head")
            return
        }
        var seen: [UInt8] = []
        head.fields.forEach { seen += Array($1) }
        #expect(seen == value)
    }

    @Test func refusedTunnelGoesOn() throws {
        var parser = HTTP1RequestParser()
        parser.append(ByteBuffer(bytes: wire("CONNECT a:1 HTTP/1.1\nHost: a\n\n")))
        guard case .head = try parser.next() else {
            Issue.record("no head")
            return
        }
        parser.append(ByteBuffer(bytes: wire("GET / HTTP/1.1\nHost: b\n\n")))
        #expect(try parser.next() == nil)
        #expect(!parser.isIdle)
        parser.resume()
        guard case .head(let head) = try parser.next() else {
            Issue.record("no second head")
            return
        }
        #expect(head.host == "b")
    }

    /// Whether it is refused before its body has come, or behind that.
    @Test(arguments: ["", "bo", "body"]) func refusedUpgradeGoesOn(_ early: String) throws {
        var parser = HTTP1RequestParser()
        let head = "POST / HTTP/1.1\nHost: a\nUpgrade: tcp\nConnection: Upgrade\nContent-Length: 4\n\n"
        parser.append(ByteBuffer(bytes: wire(head + early)))
        var parts: [HTTP1RequestParser.Part] = []
        while let part = try parser.next() { parts.append(part) }
        parser.resume()
        parser.append(ByteBuffer(bytes: wire("body".dropFirst(early.count) + "GET / HTTP/1.1\nHost: b\n\n")))
        while let part = try parser.next() { parts.append(part) }
        let hosts = parts.compactMap { if case .head(let head) = $0 { head.host } else { nil } }
        #expect(hosts == ["a", "b"] && parts.filter { $0 == .end(nil) }.count == 2)
    }

    /// An origin may agree before it has the whole body: what is missing of it stands in front of the other protocol's bytes.
    @Test func whatIsMissingOfABodyIsPartOfTheRest() throws {
        var parser = HTTP1RequestParser()
        let head = "POST / HTTP/1.1\nHost: a\nUpgrade: tcp\nConnection: Upgrade\nContent-Length: 4\n\n"
        parser.append(ByteBuffer(bytes: wire(head)))
        while try parser.next() != nil {}
        parser.append(ByteBuffer(string: "bodyraw"))
        #expect(String(buffer: parser.takeRest()) == "bodyraw")
    }

    /// Servers pad the size of every chunk, and a body has many: that is no extension.
    @Test func padsAreNoExtensions() throws {
        func read(_ size: String) throws -> Int {
            var parser = HTTP1RequestParser()
            parser.append(ByteBuffer(bytes: wire("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")))
            var count = 0
            for _ in 0..<10_000 {
                parser.append(ByteBuffer(bytes: wire(size + "\nx\n")))
                while let part = try parser.next() { if case .body = part { count += 1 } }
            }
            return count
        }
        #expect(try read("1       ") == 10_000)
        #expect(throws: HTTP1Error(.chunkExtensionsTooLarge)) { try read("1" + String(repeating: " ", count: 20)) }
    }

    @Test func errorIsLastingAndHoldsNothing() throws {
        var parser = HTTP1RequestParser()
        parser.append(ByteBuffer(bytes: wire("GET /\n\nGET / HTTP/1.1\nHost: a\n\n")))
        #expect(throws: HTTP1Error(.badRequestLine)) { _ = try parser.next() }
        parser.append(ByteBuffer(bytes: wire("GET / HTTP/1.1\nHost: a\n\n")))
        #expect(parser.bufferedBytes == 0)
        #expect(throws: HTTP1Error(.badRequestLine)) { _ = try parser.next() }
        #expect(throws: HTTP1Error(.badRequestLine)) { _ = try parser.finish() }
    }
}
