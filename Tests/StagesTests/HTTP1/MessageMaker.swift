import HTTPMessages
import NIOCore
import TunnelStages

/// Makes random exchanges' heads and bodies, and what `Transcript` must say of them.
struct MessageMaker {
    var random: SeededGenerator

    init(_ seed: UInt64) { random = SeededGenerator(seed) }

    mutating func text(_ letters: String, _ lengths: ClosedRange<Int>) -> String {
        let letters = Array(letters)
        return String((0..<Int.random(in: lengths, using: &random)).map { _ in random.pick(letters) })
    }

    mutating func fields(_ most: Int = 6) -> HeaderFields {
        var fields = HeaderFields()
        for _ in 0..<random.below(most + 1) {
            let name = "X-" + text("abcXYZ09-_!#$%&'*+.^`|~", 1...12)
            var value = text("abc XYZ\t;,=\"()<>/:ä", 0...30)
            while let edge = value.last, edge == " " || edge == "\t" { value.removeLast() }
            while let edge = value.first, edge == " " || edge == "\t" { value.removeFirst() }
            fields.append(name, value)
        }
        return fields
    }

    mutating func body() -> (BodyLength, [UInt8]) {
        let bytes = Array(text("abcdefgh\r\n 0", 0...200).utf8)
        return switch random.below(3) {
        case 0: (.none, [])
        case 1: (.known(Int64(bytes.count)), bytes)
        default: (.unknown, bytes)
        }
    }

    /// The body as its framing wants it; trailers only where it has a place for them.
    mutating func send(_ bytes: [UInt8], _ framing: BodyFraming, _ trailers: HeaderFields?, into buffer: inout ByteBuffer) {
        switch framing {
        case .none: break
        case .length, .untilClose: buffer.writeBytes(bytes)
        case .chunked:
            var rest = bytes[...]
            while !rest.isEmpty {
                let chunk = rest.prefix(1 + random.below(60))
                rest = rest.dropFirst(chunk.count)
                HTTP1Writer.chunkHeader(length: chunk.count, into: &buffer)
                buffer.writeBytes(chunk)
                HTTP1Writer.chunkTrailer(into: &buffer)
            }
            HTTP1Writer.lastChunk(trailers: trailers, into: &buffer)
        }
    }

    private func bodyLines(_ bytes: [UInt8], _ framing: BodyFraming, _ trailers: HeaderFields) -> [String] {
        let hasBody = framing != .none && !bytes.isEmpty
        let trailers = framing == .chunked ? trailers : HeaderFields()
        return (hasBody ? ["body " + String(decoding: bytes, as: UTF8.self)] : [])
            + ["end" + trailers.list.map { " | \($0.name): \($0.value)" }.joined()]
    }

    /// Writes a request to `buffer`; the result is its part of the transcript.
    mutating func request(into buffer: inout ByteBuffer) throws -> [String] {
        let (length, bytes) = body()
        let method = random.pick(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        let head = RequestHead(
            method: method, scheme: .http, authority: text("abc.-", 1...10), path: "/" + text("abc?=&%20/~", 0...30), body: length,
            fields: fields())
        let close = random.chance(10)
        let trailers = fields(2)
        let framing = try HTTP1Writer.request(head, close: close, into: &buffer)
        send(bytes, framing, trailers, into: &buffer)
        let said: BodyLength = length == .none && ["POST", "PUT", "PATCH"].contains(method) ? .known(0) : length
        let line = HTTP1RequestParser.describe(
            HTTP1RequestHead(
                method: method, target: head.path, fields: head.fields, host: head.authority, body: said, keepAlive: !close))
        return [line] + bodyLines(bytes, framing, trailers)
    }

    /// Writes a response to `buffer`; the result is the method that it answers and its part of the transcript.
    mutating func response(into buffer: inout ByteBuffer) -> (method: String, lines: [String]) {
        let (length, bytes) = body()
        let status = random.pick([200, 200, 204, 304, 404, 500])
        let method = random.pick(["GET", "HEAD", "POST"])
        let request = RequestHead(method: method, scheme: .http, authority: "a", path: "/")
        var lines: [String] = []
        if random.chance(20) {
            let early = ResponseHead(status: 103, reason: "Early", fields: fields())
            _ = HTTP1Writer.response(early, to: request, keepAlive: true, into: &buffer)
            lines.append(AnsweringParser.describe(HTTP1ResponseHead(status: 103, reason: "Early", fields: early.fields)))
        }
        let head = ResponseHead(status: status, reason: text("ab c", 0...8), body: length, fields: fields())
        let close = random.chance(10)
        let trailers = fields(2)
        let framing = HTTP1Writer.response(head, to: request, keepAlive: !close, into: &buffer)
        send(bytes, framing, trailers, into: &buffer)
        var said = length
        if head.isBodyless(for: request) {
            if status == 204 || length == .unknown { said = .none }
        } else if length == .none {
            said = .known(0)
        }
        lines.append(
            AnsweringParser.describe(
                HTTP1ResponseHead(
                    status: status, reason: head.reason, fields: head.fields, body: said, isChunked: framing == .chunked,
                    keepAlive: !close)))
        return (method, lines + bodyLines(bytes, framing, trailers))
    }
}
