import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

/// How large the buffers are that a connection reads into, and whose they are.
@Suite struct ReadSizesTests {
    /// The library's own sizes are the oracle.
    @Test(arguments: [(64, 2_048, 64 << 10), (2_048, 128 << 10, 128 << 10), (64, 64, 64), (2, 2, 1 << 20)])
    func `Sizes follow what is read as the library's do`(_ least: Int, _ first: Int, _ most: Int) {
        var random = SeededGenerator(UInt64(first))
        var sizes = ReadSizes(least...most, first: first, from: ReadBuffers())
        var library = AdaptiveRecvByteBufferAllocator(minimum: least, initial: first, maximum: most)
        for step in 0..<20_000 {
            let size = sizes.nextBufferSize() ?? 0
            #expect(size == library.nextBufferSize(), "step \(step)")
            let read = [size, size / 2, size / 2 + 1, random.below(size + 1), random.below(size / 4 + 1)][random.below(5)]
            let grows = [sizes.record(actualReadBytes: read), library.record(actualReadBytes: read)]
            #expect(grows[0] == grows[1], "step \(step)")
        }
    }

    @Test func `It needs no memory of its own in a channel`() {
        #expect(MemoryLayout<ReadSizes>.size <= 3 * MemoryLayout<Int>.size)
    }

    @Test func `Memory that is free is read into again`() {
        let buffers = ReadBuffers()
        let sizes = ReadSizes(2_048...(128 << 10), first: 128 << 10, from: buffers)
        var first = sizes.buffer(allocator: ByteBufferAllocator())
        first.writeBytes([1, 2, 3])
        let place = first.place
        // A part of it, as it is passed on.
        var part = first.readSlice(length: 2) ?? ByteBuffer()
        buffers.give(&part)
        #expect(buffers.held == 0, "somebody else has it")
        first = ByteBuffer()
        buffers.give(&part)
        part = ByteBuffer()
        #expect(buffers.held == 128 << 10)
        let other = ReadSizes(64...(64 << 10), first: 64 << 10, from: buffers).buffer(allocator: ByteBufferAllocator())
        #expect(other.capacity == 64 << 10 && buffers.held == 128 << 10, "no other size is taken")
        let again = sizes.buffer(allocator: ByteBufferAllocator())
        #expect(again.place == place && again.capacity == 128 << 10 && again.readableBytes == 0 && buffers.held == 0)
        #expect(sizes.buffer(allocator: ByteBufferAllocator()).place != place)
    }

    @Test func `What waits to be used again is bounded`() {
        let buffers = ReadBuffers()
        var all = (0..<40).map { _ in ByteBufferAllocator().buffer(capacity: 64 << 10) }
        for index in all.indices { buffers.give(&all[index]) }
        #expect(buffers.held == ReadBuffers.bound)
        // Nothing that is small, nor what is larger than is read at a time.
        let others = ReadBuffers()
        for size in [0, 4_096, 256 << 10] {
            var buffer = ByteBufferAllocator().buffer(capacity: size)
            others.give(&buffer)
        }
        #expect(others.held == 0 && others.take(4_096) == nil && others.take(256 << 10) == nil && others.take(10_000) == nil)
    }
}

extension ByteBuffer {
    fileprivate var place: UnsafeMutableRawPointer {
        withVeryUnsafeBytesWithStorageManagement { _, storage in storage.toOpaque() }
    }
}
