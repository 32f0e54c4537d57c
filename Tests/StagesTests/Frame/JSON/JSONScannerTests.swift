import NIOCore
import Testing
import TunnelStages

@Suite struct JSONScannerTests {
    private func scan(_ parts: [ArraySlice<UInt8>], limit: Int = 1_000) throws -> [String] {
        var scanner = JSONScanner(limit: limit)
        var values: [String] = []
        for part in parts {
            scanner.append(ByteBuffer(bytes: part))
            while let value = try scanner.next() { values.append(String(buffer: value)) }
        }
        return values
    }

    @Test func `Split at every byte`() throws {
        let objects = [
            #"{"a":"}{\"\\","b":[{},[1,2,{"c":"\u005d"}]]}"#, "{}", #"{ "x" : "\\\\" }"#, "{\n\t\"y\":\r\n[]}", #"{"é":"ü\""}"#,
        ]
        let all = Array((" \r\n" + objects[0] + "\n" + objects[1] + objects[2] + " \t\n\n" + objects[3] + objects[4] + "\n").utf8)
        #expect(try scan([all[...]]) == objects)
        #expect(try scan(all.indices.map { all[$0...$0] }) == objects)
        for split in 0...all.count { #expect(try scan([all[..<split], all[split...]]) == objects, "split at \(split)") }
    }

    @Test func `The limit`() throws {
        let fits = #"{"a":"\#(String(repeating: "x", count: 92))"}"#
        #expect(fits.utf8.count == 100)
        #expect(try scan([Array((fits + fits).utf8)[...]], limit: 100).count == 2)
    }

    /// It can still be said whose it is, wherever that stands in it, and what comes behind it is read as always.
    @Test func `What is over the limit comes without its long texts`() throws {
        let long = String(repeating: #"x\"{[\\"#, count: 400)
        let object = #"{"payload":{"body":"\#(long)","id":"7","l":[1,{"t":"\#(long)"}]},"type":"http_\u0072equest"}"#
        let elided = #"{"payload":{"body":"","id":"7","l":[1,{"t":""}]},"type":"http_\u0072equest"}"#
        let all = Array((#"{"a":1}"# + object + "\n" + #"{"b":"x"}"#).utf8)
        for size in [1, 7, 100, 1_000, all.count] {
            let parts = stride(from: 0, to: all.count, by: size).map { all[$0..<min($0 + size, all.count)] }
            #expect(try scan(parts, limit: 100) == [#"{"a":1}"#, elided, #"{"b":"x"}"#], "in pieces of \(size)")
        }
        var scanner = JSONScanner(limit: 100)
        scanner.append(ByteBuffer(bytes: all))
        _ = try scanner.next()
        #expect(!scanner.isElided)
        _ = try scanner.next()
        #expect(scanner.isElided)
        _ = try scanner.next()
        #expect(!scanner.isElided)
    }

    @Test func `What is over the limit is not kept while it comes`() throws {
        var scanner = JSONScanner(limit: 100)
        scanner.append(ByteBuffer(string: #"{"id":"7","body":""#))
        for _ in 0..<1_000 {
            scanner.append(ByteBuffer(repeating: 0x78, count: 1_000))
            #expect(try scanner.next() == nil)
            #expect(scanner.bufferedBytes <= 1_100)
        }
        scanner.append(ByteBuffer(string: #""}"#))
        #expect(try scanner.next() == ByteBuffer(string: #"{"id":"7","body":""}"#))
    }

    /// Nobody could be told: there is no end to its small parts.
    @Test func `What is over the limit with all its long texts left out`() {
        let many = "{" + String(repeating: #""a":"b","#, count: 10_000)
        #expect(throws: JSONProblem.tooLarge) { try scan([Array(many.utf8)[...]], limit: 100) }
    }

    @Test(arguments: ["[1]", "1", "\"x\"", "x", "}", "]", "{}1", "\u{FEFF}{}", "GET / HTTP/1.1\r\n"])
    func `Only objects`(text: String) {
        #expect(throws: JSONProblem.malformed) { try scan([Array(text.utf8)[...]]) }
    }
}

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: ByteBuffer(string: text)) }

    @Test(arguments: [
        ("null", JSONValue.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", .number(0)), ("-12.5e2", .number(-1250)),
        ("[]", .array([])), ("[1,[2]]", .array([.number(1), .array([.number(2)])])),
        (#""""#, .string(ByteBuffer())), (#""a\"b\\c\/d\b\f\n\r\té""#, .string(ByteBuffer(string: "a\"b\\c/d\u{8}\u{C}\n\r\té"))),
        (#""\ud83d\ude00\u00e9""#, .string(ByteBuffer(string: "😀é"))),
        (#""\ud83dx\ude00""#, .string(ByteBuffer(string: "\u{FFFD}x\u{FFFD}"))),
        (#"{"a":{"b":null}}"#, .object([.init(name: "a", value: .object([.init(name: "b", value: .null)]))])),
    ])
    func `Values`(text: String, expected: JSONValue) throws {
        #expect(try parse(text) == expected)
    }

    @Test(arguments: [
        "", " ", "nul", "truex", "1 2", "{", "[", "[1,]", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, "{1:2}", #""a"#, #""\x""#,
        #""\u12""#, #""\u+123""#,
        "\"a\nb\"", "+1", ".5", "--1", "1e999", "'a'", String(repeating: "[", count: 17) + String(repeating: "]", count: 17),
    ])
    func `What is none`(text: String) {
        #expect(throws: JSONProblem.malformed) { try parse(text) }
    }

    @Test func `Texts are written so that they are read back`() throws {
        for text in ["", "plain", "quo\"te back\\slash", "\u{0}\u{1F}\n\r\t", "žluťoučký 😀", "</script>"] {
            var buffer = ByteBuffer()
            buffer.writeJSONString(text)
            #expect(try JSONValue(parsing: buffer).text == text)
        }
    }
}
