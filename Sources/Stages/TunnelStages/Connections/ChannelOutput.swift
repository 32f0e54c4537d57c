import DequeModule
import NIOCore
import Pipeline

/// What a connection writes. Heads, chunk sizes and small parts of bodies are gathered, so that many small writes become one;
/// larger parts go out as they are. While what was flushed is still on its way, the rest waits here and not in the channel: a
/// part of one byte would cost a hundred there.
final class ChannelOutput {
    /// Parts up to this size, in bytes, are copied.
    private static let small = 4_096
    /// So many gathered bytes are handed on together.
    private static let gatheredTogether = 12_288

    private enum Ending {
        case output
        case all
    }

    /// Bytes of bodies and tunnels that were written and are not yet credited.
    private(set) var owed = 0
    private let scratches: ScratchBuffers
    private var context: ChannelHandlerContext?
    private var gathered = ByteBuffer()
    /// What waits for the channel, and comes before what is gathered.
    private var waiting = Deque<ByteBuffer>()
    /// Gathered bytes that the channel has, to be used again when they are out: mostly one buffer, for which no list is made.
    private var handedOver: ByteBuffer?
    private var moreHandedOver: [ByteBuffer] = []
    private var hasUnflushed = false
    private var isFlushing = false
    private var isDraining = false
    private var isHeldBack = false
    private var ending: Ending?
    private var hasEnded = false

    init(_ scratches: ScratchBuffers) {
        self.scratches = scratches
    }

    /// The connection is there. Its channel calls what was flushed and not taken by the kernel "not writable", to the last byte.
    func attach(_ context: ChannelHandlerContext) {
        self.context = context
        try? context.channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: 1, high: 1))
    }

    func detach() {
        context = nil
        waiting = []
        gathered = ByteBuffer()
    }

    /// Everything that was written has been taken by the kernel.
    var isDrained: Bool {
        !isDraining && !isFlushing && !isHeldBack && !hasUnflushed && gathered.readableBytes == 0 && waiting.isEmpty
    }

    /// Our half has ended behind everything that was written. A connection that goes without an error and without an end of its
    /// other half is only then one that both sides have ended, over TLS. Any other has been reset: where writing is what shows it,
    /// the channel closes and says no more.
    var isComplete: Bool { hasEnded && isDrained }

    /// The credit to be given, once everything is out. To be called after a flush and when the channel's writability changes.
    func settle() -> Int {
        guard owed > 0, isDrained else { return 0 }
        defer { owed = 0 }
        return owed
    }

    // MARK: - Writing

    /// Writes a head, or another small thing that is put together in place.
    func gather<Result, Problem>(_ write: (inout ByteBuffer) throws(Problem) -> Result) throws(Problem) -> Result {
        if gathered.storageCapacity == 0 { gathered = scratches.take() }
        return try write(&gathered)
    }

    /// Writes a part of a body, for which credit is owed.
    func write(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        owed += count
        guard count > Self.small else {
            gather { buffer in _ = buffer.writeImmutableBuffer(bytes) }
            if gathered.readableBytes >= Self.gatheredTogether { handOnGathered() }
            return
        }
        handOnGathered()
        handOn(isDraining && bytes.isSparse ? bytes.compacted() : bytes)
    }

    /// Lets out what was written.
    func flush() {
        guard let context, !isDraining, !isHeldBack else { return }
        handOnGathered()
        guard hasUnflushed else { return }
        hasUnflushed = false
        // The channel says at every write and at every flush that its writability has changed.
        isFlushing = true
        context.flush()
        isFlushing = false
        isDraining = !context.channel.isWritable
        reuse()
    }

    /// Keeps everything back: TLS would take it before its handshake is over, and hold it.
    func holdBack() { isHeldBack = true }

    func letGo() {
        guard isHeldBack else { return }
        isHeldBack = false
        goOn()
    }

    /// To be called when the channel's writability has changed. True if everything that was flushed is out.
    func writabilityChanged() -> Bool {
        guard !isFlushing, isDraining, let context, context.channel.isWritable else { return false }
        isDraining = false
        reuse()
        goOn()
        return !isDraining
    }

    private func goOn() {
        guard let context, !isDraining, !isHeldBack else { return }
        while let next = waiting.popFirst() {
            hasUnflushed = true
            context.write(NIOAny(next), promise: nil)
        }
        flush()
        if let ending {
            self.ending = nil
            end(ending)
        }
    }

    private func handOnGathered() {
        guard gathered.readableBytes > 0 else { return }
        let bytes = gathered
        gathered = ByteBuffer()
        if !isDraining, !isHeldBack {
            if handedOver == nil { handedOver = bytes } else { moreHandedOver.append(bytes) }
        }
        handOn(bytes)
    }

    private func handOn(_ bytes: ByteBuffer) {
        guard !isDraining, !isHeldBack, let context else { return waiting.append(bytes) }
        hasUnflushed = true
        context.write(NIOAny(bytes), promise: nil)
    }

    private func reuse() {
        guard !isDraining, var first = handedOver else { return }
        handedOver = nil
        // Only the storage that nobody else has any more is worth keeping.
        first.clear()
        scratches.give(first)
        for index in moreHandedOver.indices {
            moreHandedOver[index].clear()
            scratches.give(moreHandedOver[index])
        }
        moreHandedOver.removeAll(keepingCapacity: true)
    }

    // MARK: - Ending

    /// Ends our half behind everything that was written.
    func closeOutput() { end(.output) }

    /// Closes behind everything that was written.
    func close() { end(.all) }

    private func end(_ ending: Ending) {
        hasEnded = true
        // What is written last goes along with the end, as one packet that wakes the peer once.
        if ending == .output, hasUnflushed || gathered.readableBytes > 0, !isDraining, !isHeldBack { context?.channel.holdForEnd() }
        flush()
        guard waiting.isEmpty, gathered.readableBytes == 0 else {
            self.ending = self.ending == .all ? .all : ending
            return
        }
        switch ending {
        // Mostly everything is out, and there is nothing to be waited for.
        case .output: if isDrained { context?.close(mode: .output, promise: nil) } else { context?.closeOutputAfterWrites() }
        case .all: if isDrained { context?.close(promise: nil) } else { context?.closeAfterWrites() }
        }
    }
}

@available(*, unavailable)
extension ChannelOutput: Sendable {}
