package import HTTPMessages
package import NIOCore
package import Pipeline

/// One side of a `mux` session as a plain value: streams, windows, order of writing. No channel, no clock; time is passed in.
///
/// A stream is known to the owner by its slot, a small number that is used again once the stream is over.
package struct MuxSession {
    /// Which of the two sides it is: only one opens streams.
    package enum Role: Sendable {
        /// The side that dialled, and opens streams.
        case opener
        /// The side that was dialled, and answers them.
        case acceptor
    }

    /// The side of the connection that this session is.
    package let role: Role
    /// The limits that the session was made with.
    package let configuration: MuxConfiguration
    private(set) var phase = MuxPhase.greeting
    var farewell = MuxFarewell.none
    var peer = MuxSettings(streamWindow: 0, sessionWindow: 0, maxStreams: 0)
    var liveness: MuxLiveness
    var budget: MuxBudget

    // Streams.
    var streams: [MuxStreamState] = []
    var freeSlots: [Int] = []
    var slots: [UInt32: Int] = [:]
    var lastStream: UInt32 = 0
    /// Streams that have carried much.
    package internal(set) var bulkStreams = 0

    // What they share.
    var receiving: MuxSessionReceiving
    var sending = MuxSessionSending()
    /// What is kept from being freed by slices of larger buffers, both ways, in bytes.
    package var pinned = 0
    var growth = MuxGrowth()
    var crowding = MuxCrowding()

    // What is to be written: first control frames, then streams in their turns.
    var control = MuxControlQueue()
    var ready = MuxReadyList()
    // Buffers of heads that were written, to be used again.
    private var spareHeads: [ByteBuffer] = []

    /// A session whose HELLO waits to be written.
    package init(role: Role, configuration: MuxConfiguration, now: NIODeadline) {
        self.role = role
        self.configuration = configuration
        liveness = MuxLiveness(now: now)
        budget = MuxBudget(now: now)
        receiving = MuxSessionReceiving(size: configuration.sessionWindow)
        control.append(.hello(configuration.settings(role)))
    }

    // MARK: - How far it is

    /// Whether the peer's HELLO has come, and the session isn't over. It can still be one that only asks for another (`isAttaching`).
    package var isEstablished: Bool {
        switch phase {
        case .greeting, .failed: false
        case .attaching, .open: true
        }
    }

    /// Why the session is over; nil if it isn't.
    package var failure: Failure? {
        if case .failed(let failure) = phase { failure } else { nil }
    }

    /// Whether it isn't decided yet if another session goes on in this one's place.
    var isAttaching: Bool {
        if case .attaching = phase { true } else { false }
    }

    /// Whether the peer, or this side, has said that no streams are to be opened.
    package var isGoingAway: Bool { farewell != .none }

    /// Whether this side has sent GOAWAY, or has it in its queue.
    package var sentGoAway: Bool { farewell == .said }

    /// The peer's HELLO has come.
    mutating func greeted(_ next: MuxPhase) {
        guard case .greeting = phase else { return }
        phase = next
    }

    /// It is decided whether another session goes on; if not, this one does.
    mutating func attachingIsDecided() {
        guard isAttaching else { return }
        phase = .open
    }

    /// Whether both sides have said that the session can be resumed: HELLO has been sent by both.
    package var isResumable: Bool {
        guard isEstablished, configuration.resumes, peer.resumes, !control.beginsWithHello else { return false }
        return role == .opener ? peer.offer != nil : configuration.offer != nil
    }

    /// The wish to go on with another session is refused: this one begins.
    package mutating func refuseAttach(_ refusal: MuxAttachRefusal, _ now: NIODeadline) {
        guard case .attaching(.deciding) = phase else { return }
        attachingIsDecided()
        control.append(.attached(.refused(refusal)))
        ping(now)
    }

    /// The session goes on over another connection, after a time in which nothing could come.
    package mutating func resume(_ now: NIODeadline, after silence: TimeAmount) {
        liveness.heard(now)
        liveness.interrupt()
        crowding = MuxCrowding()
        for slot in slots.values { streams[slot].shiftTimes(by: silence) }
    }

    // MARK: - What the owner asks

    /// How many streams are open.
    package var openStreams: Int { slots.count }

    /// Bytes that have come and aren't passed on, those of streams that are over included.
    package var received: Int { receiving.held }

    /// Bytes that wait to be sent, of all streams.
    package var queuedBytes: Int { sending.queued }

    /// Whether the peer's rate goes by what arrives, and not by what is lost.
    package var peerKeepsRate: Bool { peer.keepsRate }

    /// What bodies the peer takes beside plain ones.
    package var peerOffers: BodyCapabilities { peer.offers }

    /// Whether a stream can be opened now.
    package var canOpen: Bool {
        isEstablished && !isGoingAway && slots.count < Int(peer.maxStreams)
            && lastStream < UInt32(Int32.max)
    }

    /// A stream that has sent no more than this lately, in bytes, isn't one of those that fill the session.
    private static let light = 65_536

    /// Whether more of a stream's bytes may be given to `send`. A stream without a window waits for it and leaves the room to
    /// those that have one, so that whoever doesn't read stops nobody else; and the last of the room is for those that need little.
    package func acceptsData(from slot: Int) -> Bool {
        guard !isFull else { return false }
        if hasWindow(slot) {
            return sending.free < configuration.sendMemory || streams[slot].sending.recent <= Self.light
        }
        return sending.queued < configuration.aheadMemory
            && streams[slot].sending.bytes - streams[slot].sending.window < configuration.aheadOfWindow
    }

    /// Whether a stream's window has room for more than a rest. What is read from an origin comes in large pieces, and what of one
    /// is beyond the window would wait here. Where much waits so, that is half of a window: a peer that gives credit for each half, as
    /// `MuxReceiveWindow.isWorthGranting` does, has given so much to every stream that is read.
    func hasWindow(_ slot: Int) -> Bool {
        let part = sending.stuck < configuration.aheadMemory ? 4 : 2
        return streams[slot].sending.window - streams[slot].sending.bytes >= max(1, min(131_072, Int(peer.streamWindow)) / part)
    }

    /// Whether those that wait for room can go on.
    package var hasRoom: Bool { !isFull && sending.free * 2 < configuration.sendMemory }

    /// Whether so much waits that nobody may send, not even those who last heard that they may.
    package var isFull: Bool { sending.queued >= configuration.sendLimit }

    /// Whether small parts of large buffers must be copied before they are passed on or wait.
    package var isTight: Bool { pinned >= configuration.pinnedMemory }

    /// Notes that a stream waits to send more. What it is to be taken for, if it is for the session's room and not yet noted; a stream
    /// that waits for its window is told of in `.windowed`.
    mutating func park(_ slot: Int) -> MuxParkedList.Weight? {
        guard streams[slot].id != 0 else { return nil }
        guard hasWindow(slot) else {
            streams[slot].awaitsWindow = true
            sending.holdBack()
            return nil
        }
        guard !streams[slot].isParked else { return nil }
        streams[slot].isParked = true
        streams[slot].sending.age(liveness.lastHeard)
        return streams[slot].sending.recent <= Self.light ? .light : .heavy
    }

    /// Takes the note of `park` back: the stream no longer waits for room.
    package mutating func unpark(_ slot: Int) { streams[slot].isParked = false }

    /// To be called when what a stream has to send, or its window, has changed.
    mutating func recount(_ slot: Int) { sending.noteStuck(streams[slot].sending.recount()) }

    /// Bytes have passed on a stream, in one of the two directions.
    mutating func note(_ bytes: Int, on slot: Int) {
        if streams[slot].carry(bytes) { bulkStreams += 1 }
    }

    // MARK: - The owner's side

    /// Opens a stream. Nil when `canOpen` is false, the head is too large for a frame, or the peer doesn't take such a body.
    /// - Parameters:
    ///   - client: The name of the client's connection, for a peer that takes one.
    ///   - exchange: The exchange's id, likewise.
    package mutating func open(_ head: RequestHead, client: UInt64? = nil, exchange: UInt64? = nil, now: NIODeadline) -> Int? {
        let deflates = peer.offers.contains(.deflate)
        let takesDeflated = deflates && head.takesDeflated
        let client = peer.takesClientNames ? client : nil
        let exchange = peer.correlates ? exchange : nil
        guard role == .opener, canOpen, deflates || !head.body.isDeflated,
            let payload = encode({
                MuxHeadCoding.encode(head, takesDeflated: takesDeflated, client: client, exchange: exchange, into: &$0)
            })
        else { return nil }
        lastStream += 1
        let slot = insert(lastStream, sendWindow: Int(peer.streamWindow), now: now)
        streams[slot].takesDeflated = takesDeflated
        enqueue(.open(payload), slot)
        return slot
    }

    /// Says why the response that follows is this end's and not an origin's, to a peer that takes it.
    package mutating func explain(_ failure: Failure, on slot: Int) {
        guard role == .acceptor, peer.correlates, streams[slot].answer == .none else { return }
        streams[slot].answer = .explained
        var payload = ByteBuffer()
        MuxFrameEncoder.reason(failure, into: &payload)
        enqueue(.reason(payload), slot)
    }

    /// Sends a response's head. False if it is too large for a frame, or more is waiting to be sent than may.
    package mutating func send(_ head: ResponseHead, on slot: Int) -> Bool {
        guard let payload = encode({ MuxHeadCoding.encode(head, into: &$0) }),
            sending.queued + payload.readableBytes <= configuration.sendLimit + configuration.headMemory
        else { return false }
        if !head.isInformational { streams[slot].answer = .head }
        enqueue(.head(payload), slot)
        return true
    }

    /// Queues bytes of a stream, whatever its window: ask `acceptsData` first. After `end`, they are dropped.
    package mutating func send(_ bytes: ByteBuffer, on slot: Int) {
        guard bytes.readableBytes > 0, streams[slot].sending.end == .open else { return }
        streams[slot].sending.note(bytes.readableBytes)
        note(bytes.readableBytes, on: slot)
        if streams[slot].sending.absorb(bytes) {
            sending.queue(bytes.readableBytes)
            recount(slot)
            return ready.insert(slot, &streams[slot])
        }
        guard bytes.isSparse else { return enqueue(.data(bytes), slot) }
        // A small part of what was read from somewhere. It mostly leaves at once; while many such wait, each gets memory of its
        // own.
        guard !isTight else { return enqueue(.data(bytes.compacted()), slot) }
        streams[slot].sending.pin(bytes.storageCapacity)
        pinned += bytes.storageCapacity
        enqueue(.data(bytes), slot)
    }

    /// Ends this side of a stream. A block of trailers that is too large for a frame is left out.
    package mutating func end(_ trailers: HeaderFields?, on slot: Int) {
        guard streams[slot].sending.end == .open else { return }
        streams[slot].sending.close()
        if let trailers, let payload = encode({ MuxHeadCoding.encode(trailers, into: &$0) }) {
            enqueue(.trailers(payload), slot)
        } else {
            ready.insert(slot, &streams[slot])
        }
    }

    /// Ends a stream at once, both ways.
    package mutating func reset(_ slot: Int, _ failure: Failure) {
        let id = streams[slot].id
        guard id != 0 else { return }
        // A stream whose opening was never written is unknown to the peer.
        let isUnknown = streams[slot].sending.beginsWithOpening
        remove(slot)
        if !isUnknown, self.failure == nil { control.append(.reset(stream: id, failure)) }
    }

    /// The owner has passed on that many bytes of a stream: they become the peer's again when they are worth a frame.
    package mutating func consume(_ bytes: Int, on slot: Int, now: NIODeadline) {
        let bytes = min(bytes, streams[slot].receiving.held)
        guard bytes > 0 else { return }
        pinned -= streams[slot].receiving.passOn(bytes, now: now)
        consumeForSession(bytes)
        guard failure == nil, !streams[slot].receiving.hasEnded,
            streams[slot].receiving.isWorthGranting(isFar: isFar, first: configuration.streamWindow),
            !streams[slot].receiving.isGrantQueued
        else { return }
        let elapsed = streams[slot].receiving.queueGrant(now)
        resize(slot, after: elapsed, now: now)
        control.append(.streamWindow(slot: slot, stream: streams[slot].id))
    }

    /// A stream has got bytes that are a part of a buffer of `capacity` bytes and has not passed on all it has.
    package mutating func pin(_ slot: Int, _ capacity: Int) {
        guard streams[slot].receiving.held > 0 else { return }
        streams[slot].receiving.pin(capacity)
        pinned += capacity
    }

    mutating func consumeForSession(_ bytes: Int) {
        guard bytes > 0 else { return }
        receiving.passOn(bytes)
        grantToSession()
    }

    /// Gives the session credit when that is worth a frame. To be called when more is held as well, for nothing else may be passed on
    /// after that.
    mutating func grantToSession() {
        guard receiving.isWorthGranting(isFar: isFar), !control.isSessionWindowQueued, failure == nil else { return }
        control.append(.sessionWindow)
    }

    /// Says that no new streams are taken. Those that are open go on.
    package mutating func goAway(_ failure: Failure) {
        guard !sentGoAway, self.failure == nil else { return }
        farewell = .said
        control.append(.goAway(last: lastStream, failure))
    }

    /// Ends the session for a reason, which is written as the last frame.
    package mutating func fail(_ failure: Failure) {
        guard self.failure == nil else { return }
        phase = .failed(failure)
        control.removeAll()
        control.append(.goAway(last: lastStream, failure))
    }

    /// Puts a head in a buffer that an earlier one has left, or in a new one.
    private mutating func encode(_ encode: (inout ByteBuffer) -> Bool) -> ByteBuffer? {
        var buffer = spareHeads.popLast() ?? ByteBuffer()
        buffer.clear()
        guard encode(&buffer) else { return nil }
        return buffer
    }

    /// A head has been written: its buffer can take another.
    mutating func reuseHead(_ buffer: ByteBuffer) {
        guard spareHeads.count < 16, buffer.storageCapacity <= 4_096 else { return }
        spareHeads.append(buffer)
    }

    private mutating func enqueue(_ item: MuxSendItem, _ slot: Int) {
        sending.queue(item.bytes.readableBytes)
        streams[slot].sending.append(item)
        recount(slot)
        ready.insert(slot, &streams[slot])
    }
}
