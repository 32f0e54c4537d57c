import HTTPMessages
import NIOCore
import Testing
import TunnelStages

/// What the tests need of both parsers.
protocol TestedParser {
    associatedtype Head: Sendable & Equatable
    mutating func append(_ bytes: ByteBuffer)
    mutating func next() throws(HTTP1Error) -> HTTP1Part<Head>?
    mutating func finish() throws(HTTP1Error) -> HTTP1Part<Head>?
    mutating func takeRest() -> ByteBuffer
    var bufferedBytes: Int { get }
    static func describe(_ head: Head) -> String
}

extension HTTP1RequestParser: TestedParser {
    static func describe(_ head: HTTP1RequestHead) -> String {
        var line = "\(head.method) \(head.target) 1.\(head.minorVersion) host=\(head.host ?? "-")"
        line += describeBody(head.body) + (head.keepAlive ? "" : " close")
        if let upgrade = head.upgrade { line += " upgrade=\(upgrade)" }
        if head.expectsContinue { line += " continue" }
        if let value = head.proxyAuthorization { line += " auth=\(value)" }
        return line + describeFields(head.fields)
    }
}

/// A response parser that expects answers to some requests.
struct AnsweringParser: TestedParser {
    private var parser: HTTP1ResponseParser

    /// A method with `+` asks for an upgrade.
    init(_ methods: [String] = ["GET"], limits: HTTP1Limits = .init()) {
        parser = HTTP1ResponseParser(limits: limits)
        for method in methods {
            parser.expectResponse(to: method.hasSuffix("+") ? String(method.dropLast()) : method, upgrade: method.hasSuffix("+"))
        }
    }

    mutating func append(_ bytes: ByteBuffer) { parser.append(bytes) }
    mutating func next() throws(HTTP1Error) -> HTTP1Part<HTTP1ResponseHead>? { try parser.next() }
    mutating func finish() throws(HTTP1Error) -> HTTP1Part<HTTP1ResponseHead>? { try parser.finish() }
    mutating func takeRest() -> ByteBuffer { parser.takeRest() }
    var bufferedBytes: Int { parser.bufferedBytes }

    static func describe(_ head: HTTP1ResponseHead) -> String {
        "\(head.status) \(head.reason) 1.\(head.minorVersion)" + describeBody(head.body) + (head.isChunked ? " chunked" : "")
            + (head.keepAlive ? "" : " close") + (head.upgrade.map { " upgrade=\($0)" } ?? "") + describeFields(head.fields)
    }
}

private func describeBody(_ body: BodyLength) -> String {
    switch body {
    case .none: ""
    case .known(let length): " length=\(length)"
    case .unknown: " length=?"
    case .deflated: " deflated"
    }
}

private func describeFields(_ fields: HeaderFields) -> String {
    fields.list.map { " | \($0.name): \($0.value)" }.joined()
}

/// Everything that a parser said, one line for each part, with neighbouring pieces of a body put together. Two parsers that
/// were fed the same bytes in different pieces say the same.
struct Transcript: Equatable, CustomStringConvertible {
    private(set) var lines: [String] = []
    private(set) var error: HTTP1Error?
    private(set) var mostBuffered = 0
    private var body = ByteBuffer()

    /// Feeds `bytes` cut at `cuts`, then the end of the connection.
    init<Parser: TestedParser>(_ parser: Parser, _ bytes: [UInt8], cuts: some Sequence<Int> = []) {
        var parser = parser
        var start = 0
        do throws(HTTP1Error) {
            for end in Array(cuts) + [bytes.count] {
                parser.append(ByteBuffer(bytes: bytes[start..<end]))
                start = end
                while let part = try parser.next() { add(part, of: Parser.self) }
                mostBuffered = max(mostBuffered, parser.bufferedBytes)
            }
            if let part = try parser.finish() { add(part, of: Parser.self) }
            flush()
        } catch {
            flush()
            self.error = error
            lines.append("error \(error.code)")
        }
        let rest = parser.takeRest()
        if rest.readableBytes > 0 { lines.append("rest \(String(buffer: rest))") }
    }

    private mutating func add<Parser: TestedParser>(_ part: HTTP1Part<Parser.Head>, of _: Parser.Type) {
        switch part {
        case .head(let head): lines.append(Parser.describe(head))
        case .body(let bytes): body.writeImmutableBuffer(bytes)
        case .end(let trailers):
            flush()
            lines.append("end" + describeFields(trailers ?? HeaderFields()))
        }
    }

    private mutating func flush() {
        if body.readableBytes > 0 { lines.append("body \(String(buffer: body))") }
        body.clear()
    }

    var description: String { lines.joined(separator: "\n") }

    static func == (left: Transcript, right: Transcript) -> Bool { left.lines == right.lines }

    /// The transcript of `bytes` in one piece, and a list of ways to cut them that give another.
    static func ofEveryCut(_ parser: some TestedParser, _ bytes: [UInt8]) -> (Transcript, differing: [String]) {
        let whole = Transcript(parser, bytes)
        var differing: [String] = []
        for cut in 1..<max(2, bytes.count) where Transcript(parser, bytes, cuts: [min(cut, bytes.count)]) != whole {
            differing.append("cut at \(cut)")
        }
        if Transcript(parser, bytes, cuts: bytes.indices.dropFirst()) != whole { differing.append("byte by byte") }
        return (whole, differing)
    }
}

/// Text with `\n` for CR LF; `␊` is LF alone, `␍` CR alone, `␀` NUL, `ÿ` the byte 0xFF.
func wire(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": bytes += [13, 10]
        case "␊": bytes.append(10)
        case "␍": bytes.append(13)
        case "␀": bytes.append(0)
        case "ÿ": bytes.append(0xFF)
        default: bytes += Array(String(scalar).utf8)
        }
    }
    return bytes
}

/// A message and what a parser says of it.
struct Sample: CustomTestStringConvertible, Sendable {
    let text: String
    let expected: [String]
    var methods = ["GET"]

    init(_ text: String, _ expected: String..., to methods: [String] = ["GET"]) {
        self.text = text
        self.expected = expected
        self.methods = methods
    }

    var testDescription: String { String(text.prefix(60)) }
}
