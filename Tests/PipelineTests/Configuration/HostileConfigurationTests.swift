import Foundation
import Testing

@testable import ConfigurationLanguage
@testable import Pipeline
@testable import Platform

/// Files made to exhaust the loader. Each is refused before the YAML parser could descend into it.
@Suite struct HostileConfigurationTests {
    private func refusal(_ text: String) -> String {
        let start = ProcessorTime.ofThread
        let errors = ConfigurationLoader.test().errors(in: text)
        let time = ProcessorTime.ofThread - start
        // Of this thread's own work, which a busy machine doesn't lengthen. A release build takes a fraction of it.
        #expect(time < .seconds(4), "it took \(time)")
        #expect(!errors.isEmpty)
        return errors.first ?? ""
    }

    private func isPassed(_ text: String) -> Bool {
        var yamlGuard = YAMLGuard(SourceText(text))
        return (try? yamlGuard.check()) != nil
    }

    @Test func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            let alias = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(alias)]\n"
        }
        text += "? *a30\n: x\n"
        #expect(refusal(text).contains("t.yaml:1:5: error: '&a0' is an anchor"))
    }

    @Test(arguments: [
        "*x", "a: *x", "a: &x 1", "- *x", "[*x]", "{ a: *x }", "{*x : 1}", "? *x", "a:\n  *x", "a: |\n  text\nb: *x",
        "a: 'text'\nb: *x", "a: \"\\\"\"\nb: *x", "a: 'it''s'\nb: *x", "# comment\n*x", "a: b # c\nd: *x", "a: [b,\n *x]",
        "a: >-\n    text\n\n  # no text\nb: *x", "a: |2\n  text\n *x", "- - |\n   text\n  - *x", "a: plain\n  more\nb: *x",
        "a: |\n     \n   text\n  *x", "--- *x", "a: text\n  \"\nb: &x 1", "[text\n \"text, *x]\"]", "a: \"b\n  *x\"", "a: b\n  *x",
        "a: |\r\n  text\r\nb: *x", "a:\u{85}  *x", "- - - key: |\n   *x", "\"a\": |\n\n\n *x",
    ])
    func anchorsAndAliases(_ text: String) {
        // The last is text after `|`, deep enough; everything else is an alias, or looks like one in a text of many lines.
        if text.hasPrefix("\"a\": |") {
            #expect(isPassed(text))
        } else {
            #expect(!isPassed(text))
        }
    }

    @Test(arguments: [
        "a: b *c", "a: \"*c\"", "a: '&c'", "a: b&c", "a: |\n  *c\n  &d\nb: 1", "a: >\n   x\n\n   *c\n", "# *c\na: 1", "a: 1 # &c",
        "a: [\"*c\", '&d']", "- |\n  *c\n- 1", "a: \"b\n  c\"", "a: b\n  c", "a: & b", "a: fish & chips", "a: a*b",
    ])
    func whatOnlyLooksLikeThem(_ text: String) {
        #expect(isPassed(text))
    }

    @Test func tenMegabytes() {
        #expect(
            refusal("pipeline: [" + String(repeating: "a, ", count: 3_500_000) + "]")
                == "t.yaml: error: the file has more than 1MiB")
    }

    @Test func manyPieces() {
        #expect(refusal("pipeline: [" + String(repeating: "a,", count: 500_000) + "]").contains("more than 50000 pieces"))
        #expect(refusal(String(repeating: "a: 1\n", count: 200_000)).contains("more than 50000 pieces"))
    }

    /// Each stage is looked at together with all others.
    @Test(arguments: ["frame", "fetch", "accept", "rate-limit: { rate: 1/s }", "nothing-known"])
    func manyStages(_ stage: String) {
        let start = "pipeline:\n  - accept: { listen: \"127.0.0.1:1\" }\n  - http\n"
        let errors = ConfigurationLoader.test().errors(in: start + String(repeating: "  - \(stage)\n", count: 255))
        #expect(errors.map { $0.prefix { $0 != "\n" } } == ["t.yaml:258:5: error: the pipeline has more than 256 stages"])
        #expect(refusal(start + String(repeating: "  - \(stage)\n", count: 5_000)).contains("has more than 256 stages"))
    }

    @Test func manyErrors() {
        let keys = (0..<8_000).map { "k\($0): ${env:V\($0)}\n" }.joined()
        #expect(refusal(keys + "pipeline: []\n").contains("t.yaml:1:1: error: the file has no key 'k0'"))
        #expect(refusal(String(repeating: "a: 1\n", count: 1_000)).count { $0 == "\n" } < 100)
    }

    @Test(arguments: [
        String(repeating: "[", count: 10_000), String(repeating: "{a: ", count: 10_000),
        "pipeline: " + String(repeating: "[{", count: 5_000),
        String(repeating: "- ", count: 10_000), String(repeating: "? ", count: 10_000), String(repeating: "- - ? ", count: 3_000),
        (0..<1_000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        (0..<1_000).map { String(repeating: " ", count: $0) + "-\n" }.joined(),
        String(repeating: "[\n", count: 10_000),
        "a: \"" + String(repeating: "\n", count: 10) + "\"\nb: " + String(repeating: "[", count: 10_000),
    ])
    func depth(_ text: String) {
        #expect(refusal(text).contains("nested more than 64 deep"))
    }

    @Test func sixtyFourDeepIsRead() {
        let text = "a: " + String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        var reader = YAMLReader(SourceText(text))
        let root = reader.read()
        #expect(root != nil)
        #expect(reader.findings.isEmpty)
    }

    @Test func longLinesAndTexts() {
        #expect(!refusal("pipeline: \"" + String(repeating: "x", count: 900_000) + "\"").isEmpty)
        #expect(!refusal(String(repeating: " ", count: 900_000) + "a: [").isEmpty)
        #expect(!refusal(String(repeating: "\n", count: 900_000) + "]").isEmpty)
        #expect(!refusal("a: '" + String(repeating: "''", count: 400_000)).isEmpty)
    }

    /// No text makes the loader trap, however it was damaged.
    @Test func mutations() {
        let seed = """
            host: server
            pipeline: # list
              - accept: { listen: "127.0.0.1:8080", limits: { head: 1KiB } }
              - http: {mode: 'proxy', via: true}
              - rate-limit:
                  rate: 10/s
                  token: |
                    a secret
              - fetch: { destinations: [public, "${env:X:-a}"] }
            """
        let pieces = [
            "&a ", " &a ", "\n&a ", "&a ", "[", "{", "]", "}", ":", ": ", "- ", "? ", "\"", "'", "|", ">", "#", "\n", " ", "\t",
            "!", "%", "\0", "\u{FEFF}",
            "${", "}", "\u{85}", "\u{2028}", "---\n", "\\", "~", "é", "\u{10FFFF}", "\r", ",",
        ]
        let rounds = 3_000
        var random = SystemRandomNumberGenerator()
        for _ in 0..<rounds {
            var scalars = Array(seed.unicodeScalars)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<scalars.count, using: &random)
                if Bool.random(using: &random) { scalars.remove(at: index) }
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)]
                scalars.insert(contentsOf: Array(piece.unicodeScalars), at: min(index, scalars.count))
            }
            let text = String(String.UnicodeScalarView(scalars))
            for error in ConfigurationLoader.test().errors(in: text) {
                #expect(error.hasPrefix("t.yaml"), "\(text)")
                #expect(!error.contains(YAMLReader.missedAnchor), "the guard missed an anchor in \(text.debugDescription)")
            }
        }
    }
}
