import NIOCore
import NIOEmbedded
import NIOWebSocket
import Pipeline
import Testing

@testable import TunnelStages

/// What stands between the frames and those who use the connection.
@Suite struct WebSocketHandlerTests {
    /// Notes what a user of the connection sees.
    private final class User: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        var isActive = false
        var bytes: [UInt8] = []
        var errors: [String] = []
        var inputEnds = 0
        var onRead: ((ChannelHandlerContext) -> Void)?
        var onInputEnd: ((ChannelHandlerContext) -> Void)?

        func channelActive(context: ChannelHandlerContext) { isActive = true }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            bytes += unwrapInboundIn(data).readableBytesView
            onRead?(context)
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            errors.append("\(error)")
            context.close(promise: nil)
        }
        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case ChannelEvent.inputClosed = event else { return }
            inputEnds += 1
            onInputEnd?(context)
        }
    }

    /// One end, and what the other end reads of what it writes.
    private final class Bench {
        let channel: EmbeddedChannel
        let user = User()
        var failures: [String] = []
        private var reader: WebSocketReader
        private var writer: WebSocketWriter

        init(_ role: WebSocketSender = .server, mayHalfClose: Bool = true) throws {
            let other: WebSocketSender = role == .client ? .server : .client
            reader = WebSocketReader(from: role)
            writer = WebSocketWriter(for: other)
            channel = EmbeddedChannel()
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: mayHalfClose)
            let handler = WebSocketHandler(role) { [weak self] in self?.failures.append($0.message) }
            try channel.pipeline.syncOperations.addHandlers(handler, user)
            try channel.connect(to: SocketAddress(unixDomainSocketPath: "/")).wait()
        }

        func say(_ text: String) throws {
            var data = ByteBuffer(string: text)
            while data.readableBytes > 0 {
                let (frame, payload) = writer.next(of: &data)
                try channel.writeInbound(frame)
                if let payload { try channel.writeInbound(payload) }
            }
        }

        func say(_ opcode: WebSocketOpcode, _ payload: ByteBuffer = ByteBuffer()) throws {
            try channel.writeInbound(writer.control(opcode, payload))
        }

        func end(_ code: Int, _ reason: String = "") throws {
            try say(.connectionClose, WebSocketMessages.closing(code, reason).data)
        }

        func heard() throws -> (bytes: [UInt8], controls: [WebSocketReader.Event]) {
            var heard: (bytes: [UInt8], controls: [WebSocketReader.Event]) = ([], [])
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
                reader.append(bytes)
                while let event = try reader.next() {
                    if case .data(let data) = event { heard.bytes += data.readableBytesView } else { heard.controls.append(event) }
                }
            }
            return heard
        }
    }

    @Test(arguments: [WebSocketSender.client, .server]) func bytesGoBothWays(_ role: WebSocketSender) throws {
        let bench = try Bench(role)
        #expect(bench.user.isActive)
        try bench.say("hello")
        #expect(bench.user.bytes == Array("hello".utf8))
        let long = (0..<150_000).map { UInt8(truncatingIfNeeded: $0) }
        let written = bench.channel.writeAndFlush(ByteBuffer(bytes: long))
        #expect(try bench.heard().bytes == long)
        try written.wait()
        // Who writes nothing waits for what he wrote before.
        try bench.channel.writeAndFlush(ByteBuffer()).wait()
        #expect(try bench.heard().bytes.isEmpty)
    }

    @Test func pingsAreAnswered() throws {
        let bench = try Bench()
        try bench.say(.ping, ByteBuffer(string: "one"))
        try bench.say(.pong, ByteBuffer(string: "unasked"))
        try bench.say(.ping)
        #expect(bench.user.bytes.isEmpty)
        let pongs = try bench.channel.allOutbound()
        #expect(pongs == [[0x8A, 3] + Array("one".utf8), [0x8A, 0]])
    }

    /// Who sends pings and reads nothing is owed one pong, not as many as he likes.
    @Test func onlyTheLastOfPingsIsAnsweredLate() throws {
        let bench = try Bench()
        bench.channel.isWritable = false
        for number in 0..<1_000 { try bench.say(.ping, ByteBuffer(string: "\(number)")) }
        #expect(try bench.channel.allOutbound().isEmpty)
        bench.channel.isWritable = true
        bench.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try bench.channel.allOutbound() == [[0x8A, 3] + Array("999".utf8)])
    }

    @Test func anEndOfOneHalfLeavesTheOther() throws {
        let bench = try Bench()
        try bench.channel.close(mode: .output).wait()
        #expect(try bench.heard().controls == [.close(code: 1000, reason: "")])
        #expect(throws: ChannelError.outputClosed) { try bench.channel.writeAndFlush(ByteBuffer(string: "late")).wait() }
        try bench.say("still")
        #expect(bench.user.bytes == Array("still".utf8) && bench.channel.isActive)
        try bench.end(1000)
        #expect(bench.user.inputEnds == 1 && bench.user.errors.isEmpty && !bench.channel.isActive)
    }

    @Test func theOtherSidesEndLeavesOurs() throws {
        let bench = try Bench()
        try bench.end(1000)
        #expect(bench.user.inputEnds == 1 && bench.channel.isActive)
        #expect(try bench.heard().controls.isEmpty)
        try bench.say("nobody reads this")
        try bench.channel.writeAndFlush(ByteBuffer(string: "the rest")).wait()
        try bench.channel.close(mode: .output).wait()
        let heard = try bench.heard()
        #expect(heard.bytes == Array("the rest".utf8) && heard.controls == [.close(code: 1000, reason: "")])
        #expect(bench.user.bytes.isEmpty && !bench.channel.isActive)
    }

    /// Where a connection has no halves, the end of one is that of the other.
    @Test func theOtherSidesEndIsTheConnections() throws {
        let bench = try Bench(.client, mayHalfClose: false)
        try bench.end(1001)
        #expect(try bench.heard().controls == [.close(code: 1000, reason: "")])
        #expect(bench.user.errors.isEmpty && bench.failures.isEmpty && !bench.channel.isActive)
    }

    @Test func closingSaysSo() throws {
        let bench = try Bench()
        try bench.channel.close().wait()
        #expect(try bench.heard().controls == [.close(code: 1000, reason: "")])
    }

    /// What is reset must not look whole.
    @Test func aResetSaysNothing() throws {
        let bench = try Bench()
        bench.channel.pipeline.triggerUserOutboundEvent(TransportReset(), promise: nil)
        try bench.channel.close().wait()
        #expect(try bench.heard().controls.isEmpty)
    }

    @Test func aLossIsNoEnd() throws {
        let bench = try Bench()
        bench.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(bench.user.inputEnds == 0 && bench.user.errors == bench.failures && bench.failures.count == 1)
        #expect(!bench.channel.isActive)
        #expect(try bench.heard().controls.isEmpty)
    }

    @Test func anEndWithAnotherCodeIsALoss() throws {
        let bench = try Bench(.client)
        try bench.end(1011, "out of\u{1B}[31m order")
        #expect(
            bench.failures.count == 1 && bench.failures[0].contains("code 1011 (out of") && !bench.failures[0].contains("\u{1B}"))
        #expect(bench.user.inputEnds == 0 && bench.user.errors.count == 1 && !bench.channel.isActive)
    }

    /// The code is told although who uses the connection closes it because of the error.
    @Test func whatIsNoWebSocketIsTold() throws {
        let bench = try Bench()
        try bench.channel.writeInbound(ByteBuffer(bytes: [0x82, 0x01, 65]))
        #expect(try bench.heard().controls == [.close(code: 1002, reason: "")])
        #expect(bench.failures.count == 1 && bench.user.errors.count == 1 && !bench.channel.isActive)
    }

    @Test func aTextIsRefused() throws {
        let bench = try Bench(.client)
        try bench.channel.writeInbound(ByteBuffer(bytes: [0x81, 0x01, 65]))
        #expect(try bench.heard().controls == [.close(code: 1003, reason: "")])
    }

    /// Who ends the connection while he reads hears nothing more.
    @Test func nothingIsReadBehindAClose() throws {
        let bench = try Bench(.client)
        bench.user.onRead = { $0.close(promise: nil) }
        try bench.channel.writeInbound(ByteBuffer(bytes: [0x82, 1, 65, 0x82, 1, 66, 0x89, 0]))
        #expect(bench.user.bytes == [65])
    }

    /// Before the handshake is over nothing of a WebSocket is said.
    @Test func closedWhileItOpens() throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(WebSocketHandler(.client))
        channel.close(promise: nil)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }
}

extension EmbeddedChannel {
    /// Everything that was written and not read yet, by writes that aren't heads and payloads apart.
    fileprivate func allOutbound() throws -> [[UInt8]] {
        var writes: [[UInt8]] = []
        while let bytes = try readOutbound(as: ByteBuffer.self) { writes.append(Array(bytes.readableBytesView)) }
        return writes
    }
}
