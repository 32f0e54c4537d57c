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
        guard failure == nil, isEstablished else { return nil }
        while let slot = ready.next(&streams) {
            guard streams[slot].canSend else {
                streams[slot].readiness = .blocked
                continue
            }
            switch streams[slot].first {
            case .data:
                guard sendWindow > 0 else {
                    streams[slot].readiness = .starved
                    starved.append((slot, streams[slot].id))
                    continue
                }
                return writeData(slot, into: &out)
            case nil:
                MuxFrameEncoder.header(.data, stream: streams[slot].id, length: 0, end: true, into: &out)
                streams[slot].isEndSent = true
                return MuxWrite(slot: slot, isOver: removeIfOver(slot))
            default:
                return writeHead(slot, into: &out)
            }
        }
        return nil
    }

    private mutating func writeData(_ slot: Int, into out: inout ByteBuffer) -> MuxWrite {
        let limit = min(Self.quantum, MuxLimits.dataPayload, sendWindow, streams[slot].sendWindow)
        guard let bytes = streams[slot].takeData(limit) else { return MuxWrite() }
        let count = spend(bytes, slot)
        let end = endsHere(slot)
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
        guard let item = streams[slot].dequeue() else { return write }
        queuedBytes -= item.bytes.readableBytes
        recount(slot)
        let id = streams[slot].id
        switch item {
        case .open(let head):
            // The opening takes along what is already there, so that no round trip comes before the first bytes.
            var early: ByteBuffer?
            if case .data(let bytes) = streams[slot].first,
                bytes.readableBytes <= min(MuxLimits.earlyData, sendWindow, streams[slot].sendWindow)
            {
                early = streams[slot].takeData(bytes.readableBytes)
            }
            write.taken = early.map { spend($0, slot) } ?? 0
            let end = endsHere(slot)
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
            streams[slot].isEndSent = true
        case .data:
            break
        }
        write.isOver = removeIfOver(slot)
        if !write.isOver, streams[slot].first != nil || streams[slot].canSend { ready.insert(slot, &streams[slot]) }
        return write
    }

    /// Takes bytes from both windows.
    private mutating func spend(_ bytes: ByteBuffer, _ slot: Int) -> Int {
        let count = bytes.readableBytes
        queuedBytes -= count
        sendWindow -= count
        streams[slot].sendWindow -= count
        if streams[slot].sendWindow == 0 { isHeldBack = true }
        recount(slot)
        unpinQueue(slot)
        return count
    }

    /// Whether what is being written is the stream's last, so that the frame can say so.
    private mutating func endsHere(_ slot: Int) -> Bool {
        guard streams[slot].isEndQueued, streams[slot].first == nil else { return false }
        streams[slot].isEndSent = true
        return true
    }

    private mutating func write(_ item: MuxControlQueue.Item, into out: inout ByteBuffer) {
        switch item {
        case .hello(let settings):
            MuxFrameEncoder.hello(settings, into: &out)
        case .streamWindow(let slot, let stream):
            // The stream may have ended since.
            guard streams[slot].id == stream else { return }
            let increment = streams[slot].consumed
            streams[slot].consumed = 0
            streams[slot].isWindowQueued = false
            streams[slot].receiveWindow += increment
            MuxFrameEncoder.window(stream: stream, increment: UInt32(increment), into: &out)
        case .sessionWindow:
            guard consumed > 0 else { return }
            MuxFrameEncoder.window(stream: 0, increment: UInt32(consumed), into: &out)
            consumed = 0
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
        if !isEstablished { return lastHeard + configuration.helloTimeout }
        let usual = crowding.due.map { min(pingDeadline, $0) } ?? pingDeadline
        return pulse.deadline(shortestRoundTrip).map { min(usual, $0) } ?? usual
    }

    /// A PING that was sent early leaves the time that a peer may be silent as it is. While the answer to a wish to go on with a session is
    /// awaited, which may take its time, none is sent: to one side it would come before that answer, to the other it would count as a part of
    /// that session.
    private var pingDeadline: NIODeadline {
        let usual = lastHeard + configuration.pingInterval
        guard attaching == .none else { return usual + configuration.pingTimeout }
        return pingSent.map { max($0, usual) + configuration.pingTimeout } ?? usual
    }

    /// The deadline has passed: asks a silent peer whether it is there, or gives it up; or says that there is no room.
    package mutating func tick(now: NIODeadline) -> MuxEvent {
        guard failure == nil, now >= deadline else { return .none }
        watchCrowding(now)
        guard !isEstablished || now >= pingDeadline else {
            switch pulse.tick(at: now, roundTrip: shortestRoundTrip) {
            case .nothing: break
            case .ask: ask(now)
            case .doubt(let time): return .doubtful(after: time)
            }
            return crowding.isDue(now) ? .crowded : .none
        }
        if !isEstablished || pingSent != nil || attaching != .none {
            let silent = (now - lastHeard).nanoseconds / 1_000_000_000
            let failure = Failure(.tunnelLost, "the peer has been silent for \(silent) s")
            guard isResumable, attaching == .none else {
                fail(failure)
                return .failed(failure)
            }
            return .silent(failure)
        }
        ask(now)
        return crowding.isDue(now) ? .crowded : .none
    }

    private mutating func ask(_ now: NIODeadline) {
        guard pingSent == nil, attaching == .none else { return }
        pingSent = now
        ping(now)
    }

    /// Something has come, be it a part of a frame: the peer is there.
    mutating func heard(_ now: NIODeadline) {
        lastHeard = now
        pingSent = nil
        pulse.heard()
    }

    /// There is reason to doubt that the peer can be reached: it is asked, and soon that is decided.
    mutating func doubt(_ now: NIODeadline) {
        guard isResumable, failure == nil, pulse.doubt(at: now, roundTrip: shortestRoundTrip) else { return }
        ask(now)
    }

    mutating func ping(_ now: NIODeadline) {
        pingToken &+= 1
        isPongAwaited = true
        isPongLate = false
        pingMade = now
        control.append(.ping(pingToken))
    }
}
