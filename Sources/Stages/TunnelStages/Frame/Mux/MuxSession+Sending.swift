import HTTPMessages
package import NIOCore

/// One step of writing.
package struct MuxWrite {
    /// The stream that was written for, or nil for frames of the session.
    package var slot: Int?
    /// Data bytes that left the stream's queue.
    package var taken = 0
    /// Goes out behind what was put in the buffer.
    package var payload: ByteBuffer?
    /// The stream is over on both sides and its slot is free.
    package var isOver = false
}

extension MuxSession {
    /// The largest part of one stream's data that is written before the next stream's turn, in bytes.
    static let quantum = 65_536
    /// Data up to this size, in bytes, is copied behind its header; larger data goes out as it is.
    static let copied = 4_096

    /// Whether frames wait that need no credit: HELLO, WINDOW, RESET, PING, PONG or GOAWAY.
    package var hasControl: Bool { !control.isEmpty }

    /// Writes the next frame: all of it into `out`, or its header there and the rest in the result's payload. Nil when there
    /// is nothing that may be written.
    package mutating func write(into out: inout ByteBuffer) -> MuxWrite? {
        if let item = control.popFirst() {
            write(item, into: &out)
            return MuxWrite()
        }
        guard isEstablished else { return nil }
        while let slot = ready.next(&streams) {
            guard streams[slot].sending.canSend else {
                ready.block(&streams[slot])
                continue
            }
            switch streams[slot].sending.first {
            case .data:
                guard sending.window > 0 else {
                    ready.starve(slot, &streams[slot])
                    continue
                }
                return writeData(slot, into: &out)
            case nil:
                MuxFrameEncoder.header(.data, stream: streams[slot].id, length: 0, end: true, into: &out)
                streams[slot].sending.ended()
                return MuxWrite(slot: slot, isOver: removeIfOver(slot))
            default:
                return writeHead(slot, into: &out)
            }
        }
        return nil
    }

    private mutating func writeData(_ slot: Int, into out: inout ByteBuffer) -> MuxWrite {
        let limit = min(Self.quantum, MuxLimits.dataPayload, sending.window, streams[slot].sending.window)
        guard let bytes = streams[slot].sending.takeData(limit) else { return MuxWrite() }
        let count = spend(bytes, slot)
        let end = streams[slot].sending.endsHere()
        MuxFrameEncoder.header(.data, stream: streams[slot].id, length: count, end: end, into: &out)
        var write = MuxWrite(slot: slot, taken: count)
        if count <= Self.copied {
            out.writeImmutableBuffer(bytes)
        } else {
            write.payload = bytes
        }
        write.isOver = removeIfOver(slot)
        if !write.isOver { ready.insert(slot, &streams[slot]) }
        return write
    }

    private mutating func writeHead(_ slot: Int, into out: inout ByteBuffer) -> MuxWrite {
        var write = MuxWrite(slot: slot)
        guard let item = streams[slot].sending.popFirst() else { return write }
        sending.written(item.bytes.readableBytes)
        recount(slot)
        let id = streams[slot].id
        switch item {
        case .open(let head):
            // The opening takes along what is already there, so that no round trip comes before the first bytes.
            var early: ByteBuffer?
            if case .data(let bytes) = streams[slot].sending.first,
                bytes.readableBytes <= min(MuxLimits.earlyData, sending.window, streams[slot].sending.window)
            {
                early = streams[slot].sending.takeData(bytes.readableBytes)
            }
            write.taken = early.map { spend($0, slot) } ?? 0
            let end = streams[slot].sending.endsHere()
            MuxFrameEncoder.header(
                .open, stream: id, length: 4 + head.readableBytes + write.taken, end: end, into: &out)
            out.writeInteger(UInt32(head.readableBytes))
            out.writeImmutableBuffer(head)
            reuseHead(head)
            if let early { out.writeImmutableBuffer(early) }
        case .reason(let reason):
            MuxFrameEncoder.header(.reason, stream: id, length: reason.readableBytes, into: &out)
            out.writeImmutableBuffer(reason)
        case .head(let head):
            MuxFrameEncoder.header(.head, stream: id, length: head.readableBytes, into: &out)
            out.writeImmutableBuffer(head)
            reuseHead(head)
        case .trailers(let fields):
            MuxFrameEncoder.header(.trailers, stream: id, length: fields.readableBytes, into: &out)
            out.writeImmutableBuffer(fields)
            streams[slot].sending.ended()
        case .data:
            break
        }
        write.isOver = removeIfOver(slot)
        if !write.isOver, streams[slot].sending.first != nil || streams[slot].sending.canSend { ready.insert(slot, &streams[slot]) }
        return write
    }

    /// Data has left a stream's queue, and its window: the session's has it from there. How many bytes.
    private mutating func spend(_ bytes: ByteBuffer, _ slot: Int) -> Int {
        let count = bytes.readableBytes
        sending.written(data: count)
        if streams[slot].sending.window == 0 { sending.holdBack() }
        recount(slot)
        pinned -= streams[slot].sending.unpin()
        return count
    }

    private mutating func write(_ item: MuxControlQueue.Item, into out: inout ByteBuffer) {
        switch item {
        case .hello(let settings):
            MuxFrameEncoder.hello(settings, into: &out)
        case .streamWindow(let slot, let stream):
            // The stream may have ended since.
            guard streams[slot].id == stream else { return }
            let increment = streams[slot].receiving.grant()
            MuxFrameEncoder.window(stream: stream, increment: UInt32(increment), into: &out)
        case .sessionWindow:
            let increment = receiving.grant()
            guard increment > 0 else { return }
            MuxFrameEncoder.window(stream: 0, increment: UInt32(increment), into: &out)
        case .reset(let stream, let failure):
            MuxFrameEncoder.reset(stream: stream, failure, into: &out)
        case .ping(let token):
            MuxFrameEncoder.ping(token, isReply: false, into: &out)
        case .pong(let token):
            MuxFrameEncoder.ping(token, isReply: true, into: &out)
        case .goAway(let last, let failure):
            MuxFrameEncoder.goAway(last: last, failure, into: &out)
        case .attached(let answer):
            MuxFrameEncoder.attached(answer, into: &out)
        }
    }

    // MARK: - Time

    /// When `tick` has to be called, if nothing comes before.
    package var deadline: NIODeadline {
        guard isEstablished else { return liveness.lastHeard + configuration.helloTimeout }
        // While the answer to a wish to go on with a session is awaited, which may take its time, no PING is sent: to one side it would come
        // before that answer, to the other it would count as a part of that session.
        guard !isAttaching else { return liveness.lastHeard + configuration.pingInterval + configuration.pingTimeout }
        let usual = liveness.deadline(configuration)
        return crowding.due.map { min(usual, $0) } ?? usual
    }

    /// The deadline has passed: asks a silent peer whether it is there, or gives it up; or says that there is no room.
    package mutating func tick(now: NIODeadline) -> MuxEvent {
        guard failure == nil, now >= deadline else { return .none }
        watchCrowding(now)
        guard isEstablished, !isAttaching else { return silent(for: now - liveness.lastHeard) }
        switch liveness.tick(now, configuration) {
        case .nothing: break
        case .ask(let token): control.append(.ping(token))
        case .doubt(let time): return .doubtful(after: time)
        case .silent(let time): return silent(for: time)
        }
        return crowding.isDue(now) ? .crowded : .none
    }

    private mutating func silent(for time: TimeAmount) -> MuxEvent {
        let failure = Failure(.tunnelLost, "the peer has been silent for \(time.nanoseconds / 1_000_000_000) s")
        guard !isResumable || isAttaching else { return .silent(failure) }
        fail(failure)
        return .failed(failure)
    }

    /// There is reason to doubt that the peer can be reached: it is asked, and soon that is decided.
    mutating func doubt(_ now: NIODeadline) {
        guard isResumable, !isAttaching, let token = liveness.doubt(now) else { return }
        control.append(.ping(token))
    }

    mutating func ping(_ now: NIODeadline) { control.append(.ping(liveness.ping(now))) }
}
