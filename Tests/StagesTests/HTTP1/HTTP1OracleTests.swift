import NIOCore
import NIOHTTP1
import Testing
import TunnelStages

/// What our parser accepts, swift-nio's accepts too and understands in the same way, but for the differences that are listed.
@Suite struct HTTP1OracleTests {
    static let methods = Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

    @Test(arguments: 0..<200) func requestsOfTheWriter(_ seed: Int) throws {
        var maker = MessageMaker(UInt64(seed) + 1000)
        var buffer = ByteBuffer()
        for _ in 0..<(1 + maker.random.below(6)) {
            // swift-nio reads nothing after a request that closes.
            if try maker.request(into: &buffer)[0].contains(" close") { break }
        }
        let bytes = Array(buffer.readableBytesView)
        let ours = Oracle.ours(HTTP1RequestParser(), bytes) { Oracle.ours($0) }
        #expect(ours != nil)
        #expect(Oracle.requests(bytes) == ours)
    }

    @Test(arguments: 0..<200) func responsesOfTheWriter(_ seed: Int) {
        var maker = MessageMaker(UInt64(seed) + 2000)
        var buffer = ByteBuffer()
        var methods: [String] = []
        for _ in 0..<(1 + maker.random.below(6)) {
            let (method, lines) = maker.response(into: &buffer)
            methods.append(method)
            if lines.contains(where: { $0.contains(" close") }) { break }
        }
        let bytes = Array(buffer.readableBytesView)
        let ours = Oracle.ours(AnsweringParser(methods), bytes) { Oracle.ours($0) }
        #expect(ours != nil)
        #expect(Oracle.responses(bytes, to: methods) == ours)
    }

    @Test(arguments: 0..<8) func mutatedRequests(_ part: Int) {
        var mutator = Mutator(UInt64(part) + 77, HTTP1RequestParserTests.valid.map { wire($0.text) })
        var compared = 0
        for _ in 0..<2000 {
            let bytes = mutator.message()
            var isComparable = true
            var hasClosed = false
            guard
                let ours = Oracle.ours(
                    HTTP1RequestParser(), bytes,
                    { head in
                        if hasClosed || !Self.isComparable(head) { isComparable = false }
                        hasClosed = !head.keepAlive
                        return Oracle.ours(head)
                    }), isComparable, Self.isComparable(bytes)
            else { continue }
            compared += 1
            #expect(Oracle.requests(bytes) == ours, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        #expect(compared > 100)
    }

    @Test(arguments: 0..<8) func mutatedResponses(_ part: Int) {
        let samples = HTTP1ResponseParserTests.valid.filter { $0.methods == ["GET"] }
        var mutator = Mutator(UInt64(part) + 99, samples.map { wire($0.text) })
        var compared = 0
        for _ in 0..<2000 {
            let bytes = mutator.message()
            guard Self.isComparable(bytes), let ours = Oracle.ours(AnsweringParser(), bytes, { Oracle.ours($0) }) else { continue }
            compared += 1
            #expect(Oracle.responses(bytes, to: ["GET"]) == ours, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        #expect(compared > 100)
    }

    /// Where swift-nio refuses what is right, or changes what it passes on:
    /// - a method that it doesn't know;
    /// - a target that is no URI or path; whether it is one is for those to say who use it;
    /// - what follows a request that closes, or an upgrade, where ours waits to be told how to go on.
    private static func isComparable(_ head: HTTP1RequestHead) -> Bool {
        head.upgrade == nil && methods.contains(head.method)
            && (head.target.hasPrefix("/") || head.target.hasPrefix("http://"))
    }

    /// - a byte above ASCII, which is no UTF-8 perhaps;
    /// - a minor version above 1 (RFC 9110, 2.5, takes it as the highest that is known);
    /// - equal lengths in a list or in two fields, which RFC 9110, 8.6, lets count as one; a tab beside a length;
    /// - a length or coding in the trailers, which ours drops; what a chunk's extension has in it.
    /// - a blank before a field's colon, or behind a chunk's size, which it refuses;
    /// - an empty element in a list of codings (RFC 9110, 5.6.1), behind which it sees no chunks.
    private static func isComparable(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self).lowercased()
        let lengths = text.split(separator: "\r\n").filter { $0.hasPrefix("content-length:") }
        let codings = text.split(separator: "\r\n").filter { $0.hasPrefix("transfer-encoding:") }
        let hasPaddedSize = text.split(separator: "\r\n").contains { line in
            let rest = line.drop { $0.isHexDigit }
            return rest.count < line.count && (rest.first == " " || rest.first == "\t")
        }
        return bytes.allSatisfy { $0 < 0x80 } && !text.contains(" :") && !text.contains("\t:")
            && !(hasPaddedSize && !codings.isEmpty) && !codings.contains { $0.contains(",") }
            && !(2...9).contains { text.contains("http/1.\($0)") }
            && lengths.count < 2 && !lengths.contains { $0.contains(",") || $0.contains("\t") }
            && (codings.isEmpty || codings.count == 1 && lengths.isEmpty && !text.contains(";"))
    }
}
