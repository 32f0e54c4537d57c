import NIOCore
import Testing
import TunnelStages

/// Each limit at its last allowed value and one beyond it, with small limits so that every cut can be tried, and with the real
/// ones.
@Suite struct HTTP1LimitTests {
    static let small = HTTP1Limits(
        method: 4, target: 10, statusLine: 20, fields: 40, fieldCount: 3, connectionOptions: 2, chunkExtensions: 6, emptyLines: 1)

    static let requests: [(HTTP1Error.Code?, String)] = [
        (nil, "ABCD / HTTP/1.1\nHost: a\n\n"), (.methodTooLong, "ABCDE / HTTP/1.1\nHost: a\n\n"),
        (.methodTooLong, String(repeating: "A", count: 26)),
        (nil, "GET /234567890 HTTP/1.1\nHost: a\n\n"), (.targetTooLong, "GET /2345678901 HTTP/1.1\nHost: a\n\n"),
        (.targetTooLong, "GET /" + String(repeating: "a", count: 21)),
        (nil, "\nGET / HTTP/1.1\nHost: a\n\n"), (.tooManyEmptyLines, "\n\nGET / HTTP/1.1\nHost: a\n\n"),
        // 9 bytes for Host, 31 for the other.
        (nil, "GET / HTTP/1.1\nHost: a\nB:" + String(repeating: "c", count: 27) + "\n\n"),
        (.fieldsTooLarge, "GET / HTTP/1.1\nHost: a\nB:" + String(repeating: "c", count: 28) + "\n\n"),
        (.fieldsTooLarge, "GET / HTTP/1.1\nHost: a\nB:" + String(repeating: "c", count: 31)),
        (nil, "GET / HTTP/1.1\nHost: a\nB:\nC:\n\n"), (.tooManyFields, "GET / HTTP/1.1\nHost: a\nB:\nC:\nD:\n\n"),
        (nil, "GET / HTTP/1.1\nHost:\nConnection: a, b, close\n\n"),
        (.tooManyFields, "GET / HTTP/1.1\nHost:\nConnection: a, b, c\n\n"),
        (nil, "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n1;ab\nx\n1;c\nx\n0;\n\n"),
        (.chunkExtensionsTooLarge, "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n1;ab\nx\n1;c\nx\n0;d\n\n"),
        (.chunkExtensionsTooLarge, "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n1;" + String(repeating: "a", count: 22)),
        // The count begins anew with each message.
        (
            nil,
            "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n0;abcde\nA:\n\nPUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n0;abcde\nB:\nC:\n\n"
        ),
        (nil, "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n0\nA:\nB:\nC:\n\n"),
        (.tooManyFields, "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n0\nA:\nB:\nC:\nD:\n\n"),
        (.fieldsTooLarge, "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n0\nA:" + String(repeating: "b", count: 37) + "\n\n"),
        // Dropped trailers count too.
        (
            .fieldsTooLarge,
            "PUT / HTTP/1.1\nHost:\nTransfer-Encoding:chunked\n\n0\nTE:" + String(repeating: "b", count: 36) + "\n\n"
        ),
    ]

    @Test(arguments: requests) func request(_ code: HTTP1Error.Code?, _ text: String) {
        let (transcript, differing) = Transcript.ofEveryCut(HTTP1RequestParser(limits: Self.small), wire(text))
        #expect(transcript.error?.code == code, "\(transcript)")
        #expect(differing.isEmpty)
    }

    @Test(
        arguments: [
            (nil, "HTTP/1.1 200 56789\nContent-Length: 0\n\n"), (.statusLineTooLong, "HTTP/1.1 200 5678901\nContent-Length: 0\n\n"),
            (.statusLineTooLong, "HTTP/1.1 200 56789012"),
            (.fieldsTooLarge, "HTTP/1.1 200\nA:" + String(repeating: "b", count: 38) + "\n\n"),
        ] as [(HTTP1Error.Code?, String)])
    func response(_ code: HTTP1Error.Code?, _ text: String) {
        let (transcript, differing) = Transcript.ofEveryCut(AnsweringParser(limits: Self.small), wire(text))
        #expect(transcript.error?.code == code, "\(transcript)")
        #expect(differing.isEmpty)
    }

    @Test(
        arguments: [
            (nil, 16384, 65536 - 9, 1), (.targetTooLong, 16385, 10, 1), (.fieldsTooLarge, 1, 65536 - 8, 1),
            (.tooManyFields, 1, 4, 256),
        ] as [(HTTP1Error.Code?, Int, Int, Int)])
    func standard(_ code: HTTP1Error.Code?, target: Int, line: Int, count: Int) {
        let field = wire("B:" + String(repeating: "c", count: line - 4) + "\n")
        let bytes =
            wire("GET /" + String(repeating: "a", count: target - 1) + " HTTP/1.1\nHost: a\n") + (0..<count).flatMap { _ in field }
            + wire("\n")
        for transcript in [
            Transcript(HTTP1RequestParser(), bytes),
            Transcript(HTTP1RequestParser(), bytes, cuts: stride(from: 1, to: bytes.count, by: 999)),
        ] {
            #expect(transcript.error?.code == code)
            #expect(transcript.mostBuffered <= 65536)
        }
    }

    @Test(arguments: [
        (HTTP1Error.Code.badLength, 400), (.targetTooLong, 414), (.fieldsTooLarge, 431), (.tooManyFields, 431),
        (.methodTooLong, 501),
        (.unsupportedTransferCoding, 501), (.chunkedNotLast, 400), (.unsupportedVersion, 505),
    ])
    func status(_ code: HTTP1Error.Code, _ status: Int) {
        #expect(HTTP1Error(code).status == status)
    }

    @Test(arguments: HTTP1Error.Code.allCases) func reasonIsASentence(_ code: HTTP1Error.Code) {
        #expect(HTTP1Error(code).reason.hasSuffix("."))
    }
}
