import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import TunnelStages

@Suite struct WebSocketMessagesTests {
    private typealias Message = WebSocketMessages.Message

    private func read(
        _ parts: [ArraySlice<UInt8>], from sender: WebSocketMessages.Sender = .server, limit: Int = 100_000
    ) throws -> [Message] {
        var messages = WebSocketMessages(from: sender, limit: limit)
        var result: [Message] = []
        for part in parts {
            messages.append(ByteBuffer(bytes: part))
            while let message = try messages.next() { result.append(message) }
        }
        return result
    }

    private let examples = [
        Message(.text, ByteBuffer(string: "hello")), Message(.binary, ByteBuffer(repeating: 7, count: 125)),
        Message(.ping, ByteBuffer(string: "p")), Message(.binary, ByteBuffer(repeating: 8, count: 126)),
        Message(.text, ByteBuffer()), Message(.connectionClose, ByteBuffer(bytes: [0x03, 0xE8])),
    ]

    @Test(arguments: [WebSocketMessages.Sender.client, .server])
    func `Split at every byte`(sender: WebSocketMessages.Sender) throws {
        let all = examples.flatMap { Array(WebSocketMessages.encode($0, from: sender).readableBytesView) }
        #expect(try read([all[...]], from: sender) == examples)
        #expect(try read(all.indices.map { all[$0...$0] }, from: sender) == examples)
        for split in 0...all.count {
            #expect(try read([all[..<split], all[split...]], from: sender) == examples, "split at \(split)")
        }
    }

    /// What is written here the library reads as the same.
    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536], [WebSocketMessages.Sender.client, .server])
    func `The library agrees`(size: Int, sender: WebSocketMessages.Sender) throws {
        let message = Message(.binary, ByteBuffer(bytes: (0..<size).map { UInt8(truncatingIfNeeded: $0) }))
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 20)))
        defer { _ = try? channel.finish() }
        try channel.writeInbound(WebSocketMessages.encode(message, from: sender))
        let frame = try #require(try channel.readInbound(as: WebSocketFrame.self))
        #expect(frame.opcode == .binary && frame.fin && (frame.maskKey != nil) == (sender == .client))
        #expect(frame.unmaskedData == message.data)
    }

    @Test func `Fragments, with a ping between them`() throws {
        let bytes: [UInt8] = [0x01, 2, 0x61, 0x62, 0x89, 1, 0x70, 0x00, 1, 0x63, 0x80, 1, 0x64]
        #expect(
            try read([bytes[...]]) == [Message(.ping, ByteBuffer(string: "p")), Message(.text, ByteBuffer(string: "abcd"))])
    }

    @Test(
        arguments: [
            [0x81, 0x81, 0, 0, 0, 0, 0x61], [0xC1, 0], [0x83, 0], [0x8B, 0], [0x09, 0], [0x89, 126, 0, 126], [0x80, 0],
            [0x01, 0, 0x81, 0], [0x88, 1, 3], [0x88, 2, 3, 0xEE], [0x88, 2, 0, 0],
        ] as [[UInt8]])
    func `Broken rules`(bytes: [UInt8]) {
        #expect(throws: WebSocketMessages.Violation.protocolError) { try read([bytes[...]]) }
    }

    @Test func `An unmasked client`() {
        #expect(throws: WebSocketMessages.Violation.protocolError) { try read([[0x81, 1, 0x61]], from: .client) }
    }

    @Test func `The limit counts whole messages`() {
        #expect(throws: WebSocketMessages.Violation.tooLarge) { try read([[0x82, 11]], limit: 10) }
        #expect(throws: WebSocketMessages.Violation.tooLarge) { try read([[0x82, 127, 0x7F, 0, 0, 0, 0, 0, 0, 0]], limit: 10) }
        #expect(throws: WebSocketMessages.Violation.tooLarge) {
            try read([[0x02, 6, 1, 2, 3, 4, 5, 6, 0x80, 6, 1, 2, 3, 4, 5, 6]], limit: 10)
        }
    }

    @Test func `Closing`() {
        #expect(WebSocketMessages.closing(4001, "bye").data == ByteBuffer(bytes: [0x0F, 0xA1] + Array("bye".utf8)))
        for code in [0, 999, 1005, 1006, 1015, 5000] { #expect(WebSocketMessages.closing(code, "x").data.readableBytes == 0) }
        let long = String(repeating: "é", count: 100_000)
        #expect(WebSocketMessages.closing(1000, long).data == ByteBuffer(bytes: [3, 0xE8] + Array(long.utf8.prefix(122))))
        #expect(WebSocketMessages.closure(ByteBuffer(bytes: [0x0F, 0xA1, 0x78])) == (4001, "x"))
        #expect(WebSocketMessages.closure(ByteBuffer()) == (1005, ""))
    }

    @Test func `What the JSON protocol's messages become`() {
        let large = ByteBuffer(repeating: 0, count: 126)
        for kind in [1, 2] { #expect(JSONWebSocket.message(kind, large)?.data == large) }
        for kind in [8, 9, 10] {
            #expect(JSONWebSocket.message(kind, large) == nil)
            #expect(JSONWebSocket.message(kind, ByteBuffer())?.opcode.isControlOpcode == true)
        }
        for kind in [-1, 0, 3, 11] { #expect(JSONWebSocket.message(kind, ByteBuffer()) == nil) }
    }

    @Test func `What is an end and what a loss`() {
        for (code, error) in [(1000, ""), (1000, "bye"), (1005, ""), (4001, "x"), (0, "")] {
            #expect(!JSONWebSocket.isLoss(code, error))
        }
        for (code, error) in [(1006, ""), (1015, ""), (0, "reset")] { #expect(JSONWebSocket.isLoss(code, error)) }
    }
}
