import Crypto
import NIOCore
import Pipeline
import RequestSignature
import StageTesting
import Testing

@testable import WordReplacement

@Suite struct SignTests {
    private let list = "- sign: { key: 0123456789abcdef, hosts: [api.example.com] }"

    @Test func conforms() async throws {
        try await StageConformance(SignFactory(), request: TestRequest("GET", "http://api.example.com/")).check()
    }

    @Test func requestsToItsHostsAreSigned() async throws {
        let pipeline = try await TestPipeline(list, SignFactory())
        let request = TestRequest("GET", "http://api.example.com/x?y=1", fields: [("X-Signature", "forged")])
        let outcome = try await pipeline.exchange(request)
        #expect(outcome.reached[0].head.fields["X-Signature"].count == 1)
        let field = try #require(outcome.reached[0].head.fields.first("X-Signature"))
        let parts = field.split(separator: ", ")
        let time = try #require(parts.first?.dropFirst(2))
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("\(time)\nGET\napi.example.com\n/x?y=1".utf8), using: SymmetricKey(data: Array("0123456789abcdef".utf8)))
        #expect(parts.last == "v1=" + code.map { (byte: UInt8) in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined())
        #expect(try await pipeline.metric("fluidity_sign_requests_total") == 1)
        await pipeline.end()
    }

    @Test func othersAreNot() async throws {
        let pipeline = try await TestPipeline(list, SignFactory())
        for request in [TestRequest("GET", "http://example.com/"), TestRequest("CONNECT", "api.example.com:443")] {
            let outcome = try await pipeline.exchange(request)
            #expect(outcome.reached[0].head.fields.first("X-Signature") == nil)
        }
        await pipeline.end()
    }

    @Test func aShortKeyIsRefused() async {
        await #expect(throws: ConfigurationErrors.self) { try await TestPipeline("- sign: { key: short }", SignFactory()) }
    }
}

@Suite struct ReplaceTests {
    @Test func conforms() async throws {
        try await StageConformance(ReplaceFactory()).check()
    }

    /// Whatever the body's division, even in the middle of a word, the outcome is the same.
    @Test func aWordIsFoundAcrossChunks() async throws {
        let pipeline = try await TestPipeline("- replace: { word: aab, with: X }", ReplaceFactory())
        let body = "aaab aab aa b aabaab aa"
        for cut in 0...body.count {
            let parts = [String(body.prefix(cut)), String(body.dropFirst(cut))].filter { !$0.isEmpty }
            let outcome = try await pipeline.exchange { _, _ in
                TestResponse(fields: [("Content-Type", "text/plain; charset=utf-8"), ("ETag", "\"1\"")], parts: parts)
            }
            #expect(outcome.response?.body == "aX X aa b XX aa")
            #expect(outcome.response?.head.fields.contains("ETag") == false)
        }
        await pipeline.end()
    }

    @Test func whatIsNoTextIsLeftAsItIs() async throws {
        let pipeline = try await TestPipeline("- replace: { word: a, with: b }", ReplaceFactory())
        for (status, fields) in [
            (200, [("Content-Type", "image/png")]), (206, [("Content-Type", "text/plain")]),
            (200, [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")]),
        ] {
            let outcome = try await pipeline.exchange { _, _ in TestResponse(status, fields: fields, parts: ["aaa"]) }
            #expect(outcome.response?.body == "aaa")
            #expect(outcome.response?.head.body == .known(3))
        }
        await pipeline.end()
    }

    @Test func whatMayBeAWordIsHeldBackAndTheRestIsNot() async throws {
        let pipeline = try await TestPipeline("- replace: { word: end, with: END }", ReplaceFactory())
        let exchange = try await pipeline.open()
        try await exchange.finish()
        try await exchange.respond(
            ResponseHead(status: 200, body: .unknown, fields: HeaderFields([("Content-Type", "text/plain")])))
        try await exchange.respond("the en")
        #expect(try await exchange.outcome.response?.body == "the ")
        try await exchange.respond("d")
        #expect(try await exchange.outcome.response?.body == "the END")
        try await exchange.respond(" en")
        try await exchange.finishResponse()
        #expect(try await exchange.outcome.response?.body == "the END en")
        await pipeline.end()
    }

    @Test func aWordOfOneByteAndOneThatRepeatsItself() {
        var replacer = Replacer(replacing: "a", with: "")
        var bytes = ByteBuffer(string: "banana")
        #expect(replacer.replace(in: &bytes) == 3)
        #expect(String(buffer: bytes) == "bnn")
        replacer = Replacer(replacing: "abab", with: "-")
        bytes = ByteBuffer(string: "aababab")
        #expect(replacer.replace(in: &bytes) == 1)
        replacer.finish(&bytes)
        #expect(String(buffer: bytes) == "a-ab")
    }
}
