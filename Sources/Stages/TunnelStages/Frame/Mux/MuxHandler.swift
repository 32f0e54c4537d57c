import HTTPMessages
import Logging
import NIOCore
import Pipeline

/// Runs a `MuxSession`: bytes in, bytes out, and streams joined to exchanges. Frames are decoded and dispatched in here, and never
/// travel through a channel's pipeline. It outlives its connection where the session can be resumed: a `MuxConnection` moves its bytes as long
/// as there is one. Confined to its loop.
final class MuxHandler {
    var session: MuxSession
    /// Let go when the session is closed, which has to happen before either can go.
    var owner: (any MuxHandlerOwner)?
    var sweepIndex: Int?

    let shard: Shard
    /// The other end, by its first connection.
    let peer: SessionPeer
    let meter: MuxMeter
    var decoder = MuxFrameDecoder()
    private var ends: [MuxEnd?] = []
    /// Streams that are over and have left something.
    var leftovers = MuxLeftovers()
    // Streams that got something in this read cycle: how much of it were bytes. What was read, and whether it is passed on in
    // slices or, being held already in too many small ones, copied.
    private var touched: [(slot: Int, bytes: Int)] = []
    private var readCapacity = 0
    /// Streams that wait for the session to take data again.
    var parked = MuxParkedList()
    var hasStoppedAll = false
    /// The connection, while there is one.
    var line: MuxLine?
    var isActive = false
    /// What it takes to go on over another connection; nil while that can't be.
    var resumable: MuxResumable?
    /// What sessions share that can be resumed; nil where none is to be.
    let parking: MuxParking?
    var apart = 0  // Of what is being gathered: no part of what a resumed session goes on with.
    private var hasGreeted = false
    var isReading = false
    var isPumping = false
    var pumpLater: DeferredAction?
    var isClosing = false
    /// There once the peer turns out to be far away.
    var distant: DistantConnection?
    /// Nobody else has chosen one for the connection.
    var choosesCongestionControl = true
    // Buffers for heads and small frames, used in turn: each is free again when its bytes are flushed.
    var scratch = [ByteBuffer](repeating: ByteBuffer(), count: 4)
    var scratchIndex = 0
    var unflushed = 0
    var scratchesUsed = 0

    init(
        role: MuxSession.Role, configuration: MuxConfiguration, shard: Shard, peer: SessionPeer, meter: MuxMeter,
        parking: MuxParking? = nil
    ) {
        self.parking = parking
        self.meter = meter
        self.session = MuxSession(role: role, configuration: configuration, now: .now())
        self.shard = shard
        self.peer = peer
    }

    var peerName: String { peer.remote }

    // MARK: - Streams

    /// Whether no stream can be opened any more.
    var isLeaving: Bool { session.isGoingAway || !isActive }

    /// Opens a stream for an exchange's request. Nil when the session can't open one.
    /// - Parameter queue: Where the exchange goes if the peer says that it didn't begin it.
    func open(_ exchange: Exchange, from queue: TunnelQueue) -> MuxClientStream? {
        guard
            let slot = session.open(
                exchange.request, client: exchange.clientConnection?.name, exchange: exchange.id.rawValue, now: .now())
        else { return nil }
        meter.streamOpened()
        let stream = MuxClientStream(handler: self, slot: slot, exchange: exchange, queue: queue)
        attach(.client(stream), slot)
        // It needs room.
        if session.crowding.due != nil { relieve(.now()) }
        return stream
    }

    func attach(_ end: MuxEnd, _ slot: Int) {
        while ends.count <= slot { ends.append(nil) }
        ends[slot] = end
    }

    /// - Parameter failure: Why it is no origin's; nil where it is.
    func send(_ head: ResponseHead, because failure: Failure?, on slot: Int) {
        if let failure, !head.isInformational { session.explain(failure, on: slot) }
        if !session.send(head, on: slot) {
            reset(slot, Failure(.originInvalid, "the response's head is too large to be passed on"))
        }
    }

    func send(_ bytes: ByteBuffer, on slot: Int) {
        session.send(bytes, on: slot)
        if session.isFull, !hasStoppedAll { stopAll() }
    }

    func sendEnd(_ trailers: HeaderFields?, on slot: Int) {
        session.end(trailers, on: slot)
        flushSoon()
    }

    func reset(_ slot: Int, _ failure: Failure) {
        session.reset(slot, failure)
        release(slot)?.forget()
        flushSoon()
        owner?.streamsFreed()
    }

    func consume(_ bytes: Int, on slot: Int) {
        session.consume(bytes, on: slot, now: .now())
        if session.hasControl { flushSoon() }
    }

    /// A stream that is over has passed on some of what it still held.
    func settle(_ bytes: Int) {
        guard isActive else { return }
        session.settle(bytes)
        if session.hasControl { flushSoon() }
    }

    /// A stream that is over holds nothing any longer.
    func settle(_ holding: MuxHolding) {
        guard isActive else { return }
        session.settle(holding)
        if session.hasControl { flushSoon() }
    }

    /// Whether the session takes more of a stream's data; after a false, the stream's `regulate` is called.
    func acceptsData(from slot: Int) -> Bool {
        if session.acceptsData(from: slot) { return true }
        if let weight = session.park(slot) { parked.append(slot, weight) }
        return false
    }

    /// Those who send hear that they must wait when they have more. Thousands who each have a little more are still too much:
    /// then all are told at once.
    private func stopAll() {
        hasStoppedAll = true
        for end in ends { end?.regulate() }
    }

    /// A stream is over: its end keeps what it still holds of the session's memory.
    func release(_ slot: Int) -> MuxEnd? {
        guard slot < ends.count, let end = ends[slot] else { return nil }
        ends[slot] = nil
        end.detach(session.takeHolding(slot))
        return end
    }

    // MARK: - Life

    /// It has a connection that is being made, its first.
    func begin(on wire: MuxConnection) {
        line = .near(wire)
        shard.deadlines.add(self)
        pumpLater = DeferredAction(on: shard.loop) { self.pump() }
    }

    /// The connection takes bytes.
    func connected() {
        isActive = true
        pump()
    }

    /// The connection is of no use any more.
    func lost(_ failure: Failure) {
        if canDetach { detach(because: failure) } else { close(failure) }
    }

    /// The connection is gone.
    func removed() {
        lost(.connectionClosed(to: peerName))
        if !isActive { tidy() }
    }

    /// Nothing will come or go any more.
    private func tidy() {
        line = nil
        distant = nil
        pumpLater?.cancel()
        // Streams hold this until their clients have taken what came: what waited to be sent isn't kept for them.
        session = MuxSession(role: session.role, configuration: session.configuration, now: session.liveness.lastHeard)
        decoder = MuxFrameDecoder()
    }

    /// A session without a connection is over.
    func end(_ failure: Failure) {
        close(failure)
        tidy()
    }

    /// Takes no more streams, and closes the connection when those that are open have ended.
    func goAway() {
        session.goAway(Failure(.draining, "shutting down"))
        pump()
    }

    private func close(_ failure: Failure) {
        guard isActive || sweepIndex != nil else { return }
        isActive = false
        shard.deadlines.remove(self)
        meter.closed(self)
        forgetResumption()
        // Before the streams' ends are told, who may ask for another stream at once.
        owner?.sessionClosed(session.failure ?? failure)
        owner = nil
        endStreams(failure)
    }

    /// What was under way in one turn of the loop that a lost connection had no more use for.
    func forgetTurn() {
        isReading = false
        for (slot, _) in touched where slot < ends.count { ends[slot]?.flush() }
        touched.removeAll(keepingCapacity: true)
        readCapacity = 0
        unflushed = 0
        scratchesUsed = 0
        // What is being written is yet to be kept.
        if !isPumping { for index in scratch.indices { scratch[index].clear() } }
        distant = nil
    }

    private func endStreams(_ failure: Failure) {
        let open = ends
        ends = []
        for end in open { end?.detach(MuxHolding()) }
        // What was opened last comes back first, to stand behind what was opened before it.
        for (slot, end) in open.enumerated().reversed() {
            // Of a stream whose opening hasn't left the peer knows nothing.
            end?.wasReset(session.isUnopened(slot) ? Failure(.refused, failure.message) : failure)
            end?.forget()
        }
    }

    // MARK: - Reading

    func read(_ bytes: ByteBuffer) {
        guard isActive else { return }
        isReading = true
        readCapacity += bytes.storageCapacity
        resumable?.receive.take(bytes.readableBytes)
        decoder.append(bytes)
        let now = NIODeadline.now()
        if session.isEstablished { session.liveness.heard(now) }
        do {
            while isActive, line != nil, let frame = try decoder.next() {
                let event = session.receive(frame, now: now)
                if !hasGreeted, session.isEstablished { greeted() }
                handle(event)
            }
        } catch {
            session.fail(error)
            handle(.failed(error))
        }
    }

    /// Both sides have said HELLO: from here on positions count.
    private func greeted() {
        hasGreeted = true
        resumable = parking.flatMap { MuxResumable(session, $0, unread: decoder.remaining) }
        if resumable != nil { resumable?.send.bound = parking?.note(MuxParking.cost) ?? 0 }
    }

    func readComplete() {
        isReading = false
        // The list is put back, so that its memory is used again.
        var touched = touched
        self.touched = []
        for (slot, _) in touched where slot < ends.count { ends[slot]?.flush() }
        // Who has a little of what was read and hasn't passed it on keeps all of it from being freed.
        for (slot, bytes) in touched where bytes > 0 && bytes * 2 < readCapacity { session.pin(slot, readCapacity) }
        touched.removeAll(keepingCapacity: true)
        self.touched = touched
        readCapacity = 0
        if let time = session.liveness.takeRoundTrip() { measured(time) }
        if session.crowding.due != nil { relieve(.now()) }
        pump()
    }

    func handle(_ event: consuming MuxEvent) {
        switch consume event {
        case .none:
            break
        case .established:
            meter.opened(self)
            owner?.sessionEstablished()
        case .attaching(let wish):
            owner?.sessionAttaching(wish)
        case .attached(let answer) where answer.isRefusal:
            owner?.sessionAttached(answer)
            handle(.established)
        case .attached(let answer):
            owner?.sessionAttached(answer)
        case .acknowledged(let position):
            acknowledged(position)
        case .opened(let slot, let head, let early, let end):
            meter.streamOpened()
            touch(slot, early.readableBytes)
            owner?.streamOpened(slot: slot, head, early: passable(early), end: end)
        case .head(let slot, let head):
            touch(slot)
            end(slot)?.received(head)
        case .reason(let slot, let failure):
            end(slot)?.received(failure)
        case .data(let slot, let bytes, let isEnd):
            let end = end(slot)
            let count = bytes.readableBytes
            touch(slot, count)
            if count > 0 { if let end { end.received(passable(bytes)) } else { session.consume(count, on: slot, now: .now()) } }
            if isEnd { ended(slot, end, nil) }
        case .trailers(let slot, let fields):
            touch(slot)
            ended(slot, end(slot), fields)
        case .windowed(let slot):
            end(slot)?.regulate()
        case .reset(let slot, let failure, let cause):
            meter.streamReset(cause)
            let end = release(slot)
            end?.wasReset(failure)
            end?.forget()
            owner?.streamsFreed()
        case .crowded:
            relieve(.now())
        case .goingAway(let last, let failure):
            for end in session.removeStreams(above: last).compactMap(release) {
                // What a peer says in error needn't be its last word about streams: what it was sent may be what it stumbled over.
                end.wasReset(Failure(failure.isOrderlyLeave ? .refused : .tunnelLost, failure.message))
                end.forget()
            }
            owner?.sessionGoingAway(failure)
        case .doubtful(let time):
            detachIfLost(after: time)
        case .silent(let failure):
            guard !canDetach else { return detach(because: failure) }
            session.fail(failure)
            handle(.failed(failure))
        case .failed(let failure):
            shard.logger.warning("session with \(peerName) ended: \(failure.message)")
            pump()
            line?.closeAfterWrites(within: MuxLine.farewell(to: failure))
            let hadLine = line != nil
            close(failure)
            if !hadLine { tidy() }
        }
    }

    func end(_ slot: Int) -> MuxEnd? { slot < ends.count ? ends[slot] : nil }

    /// Bytes as they are passed on: a slice of what was read, unless too much is held by such slices already.
    private func passable(_ bytes: ByteBuffer) -> ByteBuffer {
        session.isTight && bytes.isSparse ? bytes.compacted() : bytes
    }

    private func touch(_ slot: Int, _ bytes: Int = 0) {
        // The same stream's frames mostly come one behind the other.
        if let last = touched.indices.last, touched[last].slot == slot {
            touched[last].bytes += bytes
        } else {
            touched.append((slot, bytes))
        }
    }

    private func ended(_ slot: Int, _ end: MuxEnd?, _ trailers: HeaderFields?) {
        // The slot may be free, and its end forgotten, when this returns. What came last isn't passed on yet.
        if session.isOver(slot) { session.pin(slot, readCapacity) }
        guard session.removeIfOver(slot) else {
            end?.receivedEnd(trailers)
            return
        }
        _ = release(slot)
        end?.receivedEnd(trailers)
        end?.flush()
        if let end { forget(end) }
        owner?.streamsFreed()
    }
}

extension MuxHandler: Expiring {
    var deadline: NIODeadline? { resumable?.detached?.until ?? session.deadline }

    func expire(now: NIODeadline) {
        guard resumable?.detached == nil else { return outlasted() }
        handle(session.tick(now: now))
        pump()
    }
}

@available(*, unavailable)
extension MuxHandler: Sendable {}
