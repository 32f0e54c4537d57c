import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import NIOHPACK
import Pipeline
import Testing

@testable import TunnelStages

/// A head that is too large for one side concerns its own exchange, and no other of the connection.
@Suite struct H2LargeHeadTests {
    /// Answers with so many bytes of fields as the path says.
    private final class Origin: ExchangeSink, ExchangePort {
        var requests: [Int] = []

        func open(_ exchange: Exchange) {
            exchange.attach(self)
            requests.append(exchange.request.fields.list.reduce(0) { $0 + $1.1.utf8.count })
            let size = Int(exchange.request.path.dropFirst()) ?? 0
            let head = ResponseHead(status: 200, reason: "OK", body: .unknown, fields: H2LargeHeadTests.fields(size))
            let method = exchange.request.method
            if method == "LINK" { exchange.sendResponseHead(ResponseHead(status: 103, fields: head.fields)) }
            exchange.sendResponseHead(method == "GET" ? head : ResponseHead(status: 200, body: .unknown))
            exchange.sendResponseBody(ByteBuffer(string: "ok"))
            exchange.sendResponseEnd(method == "TRAIL" ? head.fields : nil)
        }
    }

    private static func fields(_ size: Int) -> HeaderFields {
        HeaderFields((0..<size / 1_000).map { ("x-\($0)", String(repeating: "v", count: 1_000)) })
    }

    private let loop = EmbeddedEventLoop()
    private let shard: Shard
    private let channel: EmbeddedChannel
    private let origin = Origin()

    init() throws {
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        channel = EmbeddedChannel(loop: loop)
    }

    private func accept(_ settings: [(UInt16, UInt32)]) throws {
        let port = H2ServerPort(
            configuration: H2Configuration(server: FrameConfiguration().session), downstream: origin, shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:1"))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        try say(Array(H2Wire.preface.utf8) + H2Wire.announce(settings) + H2Wire.frame(H2Wire.settings, flags: 1))
        _ = try heard()
    }

    private func say(_ bytes: [UInt8]) throws {
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        loop.run()
    }

    private func heard() throws -> [H2Wire.Frame] {
        loop.run()
        var all = ByteBuffer()
        while var bytes = try channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&bytes) }
        return H2Wire.frames(all)
    }

    /// A request in one HEADERS frame and as many CONTINUATION frames as it takes.
    private func ask(_ stream: UInt32, _ path: String, method: String = "GET", fields: Int = 0, piece: Int = 16_384) throws {
        var headers = HPACKHeaders([(":method", method), (":scheme", "http"), (":authority", "a.test"), (":path", path)])
        for (name, value) in Self.fields(fields).list { headers.add(name: name, value: value) }
        var encoder = HPACKEncoder(allocator: ByteBufferAllocator(), useHuffmanEncoding: false, maxDynamicTableSize: 0)
        var block = ByteBuffer()
        try encoder.encode(headers: headers, to: &block)
        var bytes: [UInt8] = []
        while let part = block.readBytes(length: min(piece, block.readableBytes)), !part.isEmpty {
            let isLast: UInt8 = block.readableBytes == 0 ? 4 : 0
            bytes += H2Wire.frame(bytes.isEmpty ? H2Wire.headers : 9, stream, flags: bytes.isEmpty ? isLast | 1 : isLast, part)
        }
        try say(bytes)
    }

    /// What came is on one stream; the connection goes on.
    private func statuses(_ stream: UInt32, _ frames: [H2Wire.Frame]) throws -> [String] {
        #expect(!frames.contains { $0.type == H2Wire.goAway || $0.type == H2Wire.reset })
        var decoder = HPACKDecoder(allocator: ByteBufferAllocator(), maxDynamicTableSize: 4_096, maxHeaderListSize: 1 << 20)
        return try frames.filter { $0.type == H2Wire.headers && $0.stream == stream }.map { frame in
            var block = frame.payload
            return try decoder.decodeHeaders(from: &block).first(name: ":status") ?? "none"
        }
    }

    @Test(arguments: [(1_000, "200"), (15_000, "200"), (20_000, "502"), (60_000, "502")])
    func `A response's head for a client with small frames`(_ size: Int, _ status: String) throws {
        try accept([])
        try ask(1, "/\(size)")
        #expect(try statuses(1, heard()) == [status])
        try ask(3, "/0")
        let frames = try heard()
        #expect(frames.contains { $0.stream == 3 && $0.type == H2Wire.headers } && !frames.contains { $0.type == H2Wire.goAway })
    }

    @Test func `A client with large frames gets it whole, unless it takes no such list`() throws {
        try accept([(5, 1 << 17)])
        try ask(1, "/60000")
        let frames = try heard()
        #expect(try statuses(1, frames) == ["200"])
        #expect(frames.contains { $0.type == H2Wire.headers && $0.payload.readableBytes > 16_384 })
        try say(H2Wire.announce([(6, 20_000)]))
        try ask(3, "/30000")
        #expect(try heard().contains { $0.stream == 3 && $0.type == H2Wire.headers && $0.payload.readableBytes < 1_000 })
    }

    @Test(arguments: ["TRAIL", "LINK"]) func `What can be left out is left out`(_ method: String) throws {
        try accept([])
        try ask(1, "/30000", method: method)
        let frames = try heard()
        #expect(try statuses(1, frames) == ["200"])
        #expect(frames.filter { $0.type == H2Wire.data }.map { String(buffer: $0.payload) }.joined() == "ok")
        #expect(frames.contains { $0.stream == 1 && $0.flags & 1 == 1 })
    }

    @Test(arguments: [(20_000, 16_384), (60_000, 16_384), (60_000, 1_024), (85_000, 16_384)])
    func `A request's head in several frames`(_ size: Int, _ piece: Int) throws {
        try accept([])
        try ask(1, "/0", fields: size, piece: piece)
        #expect(try statuses(1, heard()) == ["200"])
        #expect(origin.requests == [size])
    }

    @Test func `A request's head that is too large is refused alone`() throws {
        try accept([])
        try ask(1, "/0", fields: 150_000)
        #expect(try statuses(1, heard()) == ["431"])
        try ask(3, "/0")
        #expect(try heard().contains { $0.stream == 3 } && origin.requests == [0])
    }

    /// What HPACK's code makes longer than it was, too.
    @Test(arguments: ["v", "\u{1}", "\\"]) func `What is allowed fits in a frame`(_ byte: String) throws {
        let limits = H2PeerLimits()
        for count in stride(from: 500, through: 17_000, by: 500) {
            let headers = HPACKHeaders([("a", String(repeating: byte, count: count))])
            var encoder = HPACKEncoder(allocator: ByteBufferAllocator())
            var block = ByteBuffer()
            try encoder.encode(headers: headers, to: &block)
            #expect(!limits.allow(headers) || block.readableBytes <= 16_384)
            #expect(limits.allow(headers) || block.readableBytes > 16_300)
        }
    }
}
