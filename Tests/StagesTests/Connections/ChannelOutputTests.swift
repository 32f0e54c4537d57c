import NIOCore
import NIOEmbedded
import Testing

@testable import TunnelStages

/// What a connection writes leaves in order and in few pieces, and waits in one place while the channel doesn't take it.
@Suite struct ChannelOutputTests {
    private final class Host: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let output = ChannelOutput(ScratchBuffers())

        func handlerAdded(context: ChannelHandlerContext) { output.attach(context) }
        func handlerRemoved(context: ChannelHandlerContext) { output.detach() }
        func channelWritabilityChanged(context: ChannelHandlerContext) { _ = output.writabilityChanged() }
    }

    private let channel = EmbeddedChannel()
    private let host = Host()
    private var output: ChannelOutput { host.output }

    init() throws {
        try channel.pipeline.syncOperations.addHandler(host)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    private func setWritable(_ isWritable: Bool) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
    }

    private func sent() throws -> [String] {
        var all: [String] = []
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { all.append(String(buffer: bytes)) }
        return all
    }

    private func large(_ letter: Character) -> String { String(repeating: letter, count: 5_000) }

    @Test func smallPiecesLeaveTogetherAndLargeOnesAsTheyAre() throws {
        output.gather { _ = $0.writeString("head ") }
        output.write(ByteBuffer(string: "a"))
        output.write(ByteBuffer(string: "b"))
        #expect(try sent() == [])
        output.write(ByteBuffer(string: large("L")))
        output.write(ByteBuffer(string: "c"))
        output.flush()
        #expect(try sent() == ["head ab", large("L"), "c"])
        #expect(output.isDrained && output.settle() == 5_003 && output.settle() == 0)
    }

    @Test func nothingIsHandedOnWhileTheChannelIsFull() throws {
        channel.isWritable = false
        output.write(ByteBuffer(string: "first"))
        output.flush()
        #expect(try sent() == ["first"])
        #expect(!output.isDrained && output.settle() == 0)
        for _ in 0..<10_000 {
            output.write(ByteBuffer(string: "x"))
            output.flush()
        }
        output.write(ByteBuffer(string: large("L")))
        output.write(ByteBuffer(string: "end"))
        #expect(try sent() == [])
        setWritable(true)
        let pieces = try sent()
        #expect(pieces.joined() == String(repeating: "x", count: 10_000) + large("L") + "end" && pieces.count == 3)
        #expect(output.isDrained && output.settle() == 15_008)
    }

    @Test func whatWaitsInSmallPartsOfLargeBuffersIsCopied() throws {
        channel.isWritable = false
        output.write(ByteBuffer(string: "first"))
        output.flush()
        let read = ByteBuffer(repeating: 0x78, count: 65_536)
        output.write(try #require(read.getSlice(at: 0, length: 5_000)))
        _ = try channel.readOutbound(as: ByteBuffer.self)
        setWritable(true)
        let bytes = try #require(try channel.readOutbound(as: ByteBuffer.self))
        #expect(bytes.readableBytes == 5_000 && bytes.storageCapacity <= 8_192)
    }

    @Test func closingComesBehindEverything() throws {
        channel.isWritable = false
        output.write(ByteBuffer(string: "first"))
        output.flush()
        output.write(ByteBuffer(string: "last"))
        output.close()
        #expect(try sent() == ["first"])
        #expect(channel.isActive)
        setWritable(true)
        channel.embeddedEventLoop.run()
        let pieces = try sent()
        #expect(!channel.isActive && pieces.joined() == "last")
    }

    @Test func whatIsHeldBackIsLetGoInOrder() throws {
        output.holdBack()
        output.write(ByteBuffer(string: "a"))
        output.write(ByteBuffer(string: large("L")))
        output.write(ByteBuffer(string: "b"))
        output.flush()
        #expect(try sent() == [])
        #expect(output.settle() == 0)
        output.letGo()
        #expect(try sent() == ["a", large("L"), "b"])
        #expect(output.settle() == 5_002)
    }

    @Test func buffersAreUsedAgain() throws {
        let scratches = ScratchBuffers()
        var buffer = scratches.take()
        let capacity = buffer.storageCapacity
        buffer.writeString("text")
        buffer.clear()
        scratches.give(buffer)
        #expect(scratches.take().storageCapacity == capacity)
        scratches.give(ByteBuffer(repeating: 0, count: 100_000))
        #expect(scratches.take().storageCapacity < 100_000)
    }
}
