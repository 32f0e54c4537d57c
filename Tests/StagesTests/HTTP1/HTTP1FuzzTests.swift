import NIOCore
import Testing
import TunnelStages

/// Messages that are nearly right never trap, say the same however they are cut, and are never held beyond the limits.
@Suite struct HTTP1FuzzTests {
    static let tight = HTTP1Limits(
        method: 8, target: 40, statusLine: 40, fields: 120, fieldCount: 6, connectionOptions: 2, chunkExtensions: 10, emptyLines: 1)
    /// The longest line that the tight limits let wait for its end.
    static let longestLine = 122
    static let rounds = 6_250

    @Test(arguments: 0..<8) func requests(_ part: Int) {
        var mutator = Mutator(
            UInt64(part), (HTTP1RequestParserTests.valid.map(\.text) + HTTP1RequestParserTests.invalid.map(\.1)).map(wire))
        for round in 0..<Self.rounds {
            let limits = round.isMultiple(of: 2) ? Self.tight : HTTP1Limits()
            check(HTTP1RequestParser(limits: limits), mutator.message(), limits, &mutator.random)
        }
    }

    @Test(arguments: 0..<8) func responses(_ part: Int) {
        var mutator = Mutator(
            UInt64(part),
            (HTTP1ResponseParserTests.valid.map(\.text) + HTTP1ResponseParserTests.invalid.map(\.1)).map(wire).filter {
                !$0.isEmpty
            })
        for round in 0..<Self.rounds {
            let limits = round.isMultiple(of: 2) ? Self.tight : HTTP1Limits()
            let method = mutator.random.pick(["GET", "GET", "HEAD", "CONNECT", "GET+"])
            check(AnsweringParser([method, "GET"], limits: limits), mutator.message(), limits, &mutator.random)
        }
    }

    private func check(_ parser: some TestedParser, _ bytes: [UInt8], _ limits: HTTP1Limits, _ random: inout SeededGenerator) {
        let whole = Transcript(parser, bytes)
        let cut = Transcript(parser, bytes, cuts: random.cuts(bytes.count, most: 4))
        let message = String(decoding: bytes, as: UTF8.self).debugDescription
        if whole != cut { Issue.record("\(message)\n\(whole)\n---\n\(cut)") }
        // What follows a CONNECT or Upgrade is for its taker to bound.
        let isRaw = cut.lines.last?.hasPrefix("rest ") ?? false
        if limits == Self.tight, !isRaw, cut.mostBuffered > Self.longestLine {
            Issue.record("\(cut.mostBuffered) bytes held: \(message)")
        }
    }
}
