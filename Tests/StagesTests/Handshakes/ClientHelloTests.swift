import NIOCore
import NIOEmbedded
import NIOSSL
import Testing

@testable import TunnelStages

@Suite struct ClientHelloTests {
    /// The first bytes of the library's own client.
    private static func hello(_ protocols: [String], name: String? = "localhost") throws -> ByteBuffer {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = protocols
        let channel = EmbeddedChannel(
            handler: try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: name))
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/"), promise: nil)
        var bytes = ByteBuffer()
        while var piece = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeBuffer(&piece) }
        channel.close(promise: nil)
        channel.embeddedEventLoop.advanceTime(by: .minutes(1))
        return bytes
    }

    @Test(arguments: [[], ["h2"], ["fluidity/1", "http/1.1"], (0..<100).map { "protocol-\($0)" }])
    func `What the library's client names`(protocols: [String]) throws {
        let bytes = try Self.hello(protocols)
        #expect(try #require(ClientHello(bytes)).protocols == (protocols.isEmpty ? nil : protocols))
        // In one piece or in many: nothing is said before all of it is there.
        for length in 0..<bytes.readableBytes {
            #expect(ClientHello(bytes.getSlice(at: bytes.readerIndex, length: length) ?? ByteBuffer()) == nil, "\(length)")
        }
    }

    /// A message may be spread over records as its writer likes.
    @Test func `In small records`() throws {
        var message = try Self.hello(["h2"])
        message.moveReaderIndex(forwardBy: 5)
        var bytes = ByteBuffer()
        while message.readableBytes > 0 {
            guard let piece = message.readBytes(length: min(7, message.readableBytes)) else { break }
            bytes.writeBytes([22, 3, 1, 0, UInt8(piece.count)] + piece)
        }
        #expect(ClientHello(bytes)?.protocols == ["h2"])
    }

    @Test(arguments: [
        Array("GET / HTTP/1.1\r\n\r\n".utf8), [22, 3, 1, 0, 0], [22, 3, 1, 0xFF, 0xFF, 1], [23, 3, 1, 0, 1, 1],
        [22, 3, 1, 0, 4, 2, 0, 0, 0],
        [22, 3, 1, 0, 4, 1, 0xFF, 0, 0], [22, 3, 1, 0, 4, 1, 0, 0, 0], [22, 3, 1, 0, 5, 1, 0, 0, 1, 9],
    ])
    func `What is no such message is the library's business`(bytes: [UInt8]) throws {
        #expect(try #require(ClientHello(ByteBuffer(bytes: bytes))).protocols == nil)
    }

    /// Whatever comes, it is read without a trap.
    @Test func `Bytes that were changed`() throws {
        let bytes = Array(try Self.hello(["fluidity/1", "h2"]).readableBytesView)
        for index in bytes.indices {
            for change in [0, 0xFF, bytes[index] ^ 1, bytes[index] &+ 1] as [UInt8] {
                var changed = bytes
                changed[index] = change
                _ = ClientHello(ByteBuffer(bytes: changed))
            }
        }
    }

    /// The bytes that a client is answered with and those that the library gets.
    private func serve(_ protocols: [String], _ bytes: ByteBuffer, pieces: Int = 1) throws -> (answer: [UInt8], passed: Int) {
        let channel = EmbeddedChannel(handler: ClientHelloHandler(protocols: protocols))
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/"), promise: nil)
        var rest = bytes
        let size = (bytes.readableBytes + pieces - 1) / pieces
        while let piece = rest.readSlice(length: min(size, rest.readableBytes)), piece.readableBytes > 0 {
            channel.pipeline.fireChannelRead(piece)
        }
        let answer = try channel.readOutbound(as: ByteBuffer.self).map { Array($0.readableBytesView) } ?? []
        var passed = 0
        while let piece = try channel.readInbound(as: ByteBuffer.self) { passed += piece.readableBytes }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return (answer, passed)
    }

    @Test(arguments: [1, 2, 20, 31, 100])
    func `Nothing known is answered with an alert`(pieces: Int) throws {
        let bytes = try Self.hello(["http/1.1"])
        let refused = try serve(["h2", "fluidity/1"], bytes, pieces: pieces)
        // In too many pieces, it isn't looked at any longer.
        if pieces <= 31 {
            #expect(refused.answer == [21, 3, 3, 0, 2, 2, 120] && refused.passed == 0)
        } else {
            #expect(refused.answer == [] && refused.passed == bytes.readableBytes)
        }
        for (spoken, named) in [(["h2"], ["http/1.1", "h2"]), (["h2"], []), ([], ["http/1.1"])] {
            let bytes = try Self.hello(named)
            let taken = try serve(spoken, bytes, pieces: pieces)
            #expect(taken.answer == [] && taken.passed == bytes.readableBytes)
        }
    }
}
