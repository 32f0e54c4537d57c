import NIOCore
import Pipeline

/// Writing: when, in what pieces, and who goes on afterwards.
extension MuxHandler {
    /// So many bytes are written before they are flushed, within one cycle.
    private static var flushThreshold: Int { 128 << 10 }
    /// So many waiting bytes are written at once; fewer wait for what else this turn of the loop brings.
    private static var promptBytes: Int { 48 << 10 }
    /// So many streams are told that they may send again, in one turn of the loop.
    private static var resumedTogether: Int { 8 }

    /// How long the peer has to close a connection that an acceptor is done with.
    private static var closingTime: TimeAmount { .seconds(1) }

    /// Sees to it that what waits is written: at the end of this read cycle, at the end of this turn of the loop, so that
    /// many small writes become one, or now if there is much.
    func flushSoon() {
        guard isActive, !isReading, !isPumping else { return }
        if session.queuedBytes >= Self.promptBytes { return pump() }
        pumpLater?.schedule()
    }

    func pump() {
        guard isActive, !isPumping, let line else { return }
        isPumping = true
        defer { isPumping = false }
        if resumable != nil { acknowledgeAndRepeat(line) }
        while line.isWritable, mayWrite, let step = session.write(into: &scratch[scratchIndex]) {
            if let payload = step.payload {
                writeScratch(line)
                resumable?.send.keep(payload)
                writeApart(payload, line)
            }
            // Before anything is flushed: a connection that turns out to be broken then brings what it still has, and a stream that this
            // opens may have the place of one that was over with this step.
            if let slot = step.slot { account(step, slot) }
            if unflushed + scratch[scratchIndex].readableBytes >= Self.flushThreshold || scratchesUsed >= scratch.count - 1 {
                writeScratch(line)
                flush(line)
            }
        }
        writeScratch(line)
        flush(line)
        noteKept()
        if let distant, session.sending.takeHeldBack() || !line.isWritable { distant.isBusy(.now()) }
        resumeParked()
        if session.isGoingAway, !isClosing, session.openStreams == 0, session.queuedBytes == 0, !session.hasControl {
            isClosing = true
            guard session.role == .acceptor else { return line.closeAfterWrites() }
            // What the peer has on its way would meet a closed connection, and be answered with a reset that may overtake GOAWAY and all
            // that stands before it, in the kernel of who sent it or of a peer that is slow: the peer closes. One that hasn't seen that
            // it may is told by our half's end, behind everything, and is read on until then, or until draining has its end.
            shard.loop.assumeIsolated().scheduleTask(in: Self.closingTime) { line.closeOutputAfterWrites() }
        }
    }

    private func account(_ step: MuxWrite, _ slot: Int) {
        if step.taken > 0 { end(slot)?.hasSent(step.taken) }
        guard step.isOver else { return }
        if let end = release(slot) { forget(end) }
        owner?.streamsFreed()
    }

    private func writeScratch(_ line: MuxLine) {
        let bytes = scratch[scratchIndex]
        guard bytes.readableBytes > 0 else { return }
        scratchesUsed += 1
        scratchIndex = (scratchIndex + 1) % scratch.count
        if resumable != nil {
            resumable?.send.keep(apart == 0 ? bytes : bytes.dropping(apart), isUsedAgain: true)
            apart = 0
        }
        writeApart(bytes, line)
    }

    /// What is no part of what a resumed session goes on with.
    func writeApart(_ bytes: ByteBuffer, _ line: MuxLine) {
        unflushed += bytes.readableBytes
        line.write(bytes)
    }

    private func flush(_ line: MuxLine) {
        guard unflushed > 0 else { return }
        unflushed = 0
        scratchesUsed = 0
        // Only who has dialled can do something about a loss.
        if session.role == .opener, resumable != nil, session.openStreams > 0 { session.liveness.sent(at: .now()) }
        line.flush()
        // One that is still on its way is given up for a new one; the others keep their memory.
        for index in scratch.indices { scratch[index].clear() }
    }

    /// A few in each turn of the loop, or all would at once send what had waited.
    private func resumeParked() {
        if !session.isFull { hasStoppedAll = false }
        for _ in 0..<Self.resumedTogether {
            guard !session.isFull, let slot = parked.popFirst(hasRoom: session.hasRoom) else { break }
            session.unpark(slot)
            end(slot)?.regulate()
        }
        if !session.isFull, parked.hasNext(hasRoom: session.hasRoom) { pumpLater?.schedule() }
    }
}

extension ByteBuffer {
    fileprivate func dropping(_ count: Int) -> ByteBuffer {
        var rest = self
        rest.moveReaderIndex(forwardBy: count)
        return rest
    }
}
