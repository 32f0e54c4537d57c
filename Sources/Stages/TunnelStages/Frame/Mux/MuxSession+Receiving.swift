import HTTPMessages
package import NIOCore

extension MuxSession {
    /// Informational heads that one exchange may have.
    static let informationalLimit = 64
    /// Control frames that may wait for a peer that doesn't read.
    static let controlLimit = 4_096
    /// A grant of less than this, in bytes, is a crumb; and so is data for a stream that is over.
    static let crumb = 512

    /// Takes a frame. After `.failed` nothing more may be given to it.
    package mutating func receive(_ frame: MuxFrame, now: NIODeadline) -> MuxEvent {
        guard failure == nil else { return .none }
        liveness.heard(now)
        defer { watchCrowding(now) }
        guard control.count <= Self.controlLimit else {
            return refuse(.excessive, "the peer doesn't read what it asked for")
        }
        if !isEstablished {
            guard case .hello(let settings) = frame else { return refuse(.protocolViolation, "a frame before HELLO") }
            return establish(settings, now)
        }
        if isAttaching { return receiveAnswer(frame, now) }
        switch frame {
        case .hello:
            return refuse(.protocolViolation, "a second HELLO")
        case .open(let stream, let payload, let end):
            return receiveOpen(stream, payload, end, now)
        case .head(let stream, let payload):
            return receiveHead(stream, payload, now)
        case .reason(let stream, let failure):
            return receiveReason(stream, failure, now)
        case .data(let stream, let bytes, let end, let isEmptyFrame):
            return receiveData(stream, bytes, end, isEmptyFrame, now)
        case .trailers(let stream, let payload):
            return receiveTrailers(stream, payload, now)
        case .window(let stream, let increment):
            return receiveWindow(stream, increment, now)
        case .reset(let stream, let failure):
            return receiveReset(stream, failure, now)
        case .ping(let token):
            guard budget.spend(1, now: now) else { return refuse(.excessive, "too many PINGs") }
            control.append(.pong(token))
            liveness.wasAsked()
            return .none
        case .pong(let token):
            guard !liveness.answered(token, now) else { return .none }
            return budget.spend(1, now: now) ? .none : refuse(.excessive, "answers to PINGs that were not sent")
        case .goAway(let last, let failure):
            guard budget.spend(1, now: now) else { return refuse(.excessive, "too many GOAWAYs") }
            if farewell == .none { farewell = .heard }
            return .goingAway(last: last, failure)
        case .acknowledged(let position):
            guard isResumable else { return refuse(.protocolViolation, "ACK in a session that can't be resumed") }
            return .acknowledged(position)
        case .attached:
            return refuse(.protocolViolation, "ATTACHED without a wish")
        case .unknown:
            return budget.spend(1, now: now) ? .none : refuse(.excessive, "too many frames of unknown types")
        }
    }

    private mutating func establish(_ settings: MuxSettings, _ now: NIODeadline) -> MuxEvent {
        guard settings.version >= 1 else { return refuse(.protocolViolation, "version \(settings.version)") }
        guard Int(settings.streamWindow) <= MuxLimits.maximumWindow, Int(settings.sessionWindow) <= MuxLimits.maximumWindow
        else { return refuse(.flowControl, "a window over \(MuxLimits.maximumWindow) bytes") }
        peer = settings
        sending.begin(window: Int(settings.sessionWindow))
        if role == .acceptor, configuration.resumes, let attach = settings.attach {
            greeted(.attaching(.deciding))
            return .attaching(attach)
        }
        if role == .opener, configuration.attach != nil, settings.resumes {
            greeted(.attaching(.awaiting))
            return .none
        }
        greeted(.open)
        // While nothing waits in front of it, the answer shows how long the way is.
        ping(now)
        return .established
    }

    /// The opener says nothing until its wish is answered, and the acceptor nothing else than the answer.
    private mutating func receiveAnswer(_ frame: MuxFrame, _ now: NIODeadline) -> MuxEvent {
        guard case .attaching(.awaiting) = phase, case .attached(let answer) = frame else {
            return refuse(.protocolViolation, "a frame before ATTACHED")
        }
        attachingIsDecided()
        if case .refused = answer { ping(now) }
        return .attached(answer)
    }

    private mutating func receiveOpen(_ stream: UInt32, _ payload: ByteBuffer, _ end: Bool, _ now: NIODeadline) -> MuxEvent {
        guard role == .acceptor else { return refuse(.protocolViolation, "OPEN to the side that opens") }
        guard stream > lastStream, stream <= UInt32(Int32.max) else {
            return refuse(.protocolViolation, "OPEN of stream \(stream) after \(lastStream)")
        }
        var payload = payload
        guard let length = payload.readInteger(as: UInt32.self), let headBytes = payload.readSlice(length: Int(length)),
            payload.readableBytes <= MuxLimits.earlyData,
            let head = MuxHeadCoding.decodeRequest(headBytes, offered: configuration.offers, takesNames: true)
        else { return refuse(.protocolViolation, "OPEN of stream \(stream) with a malformed head") }
        guard slots.count < configuration.maxStreams else {
            return refuse(.excessive, "more than \(configuration.maxStreams) streams")
        }
        lastStream = stream
        let early = payload.readableBytes
        guard early <= configuration.streamWindow, receiving.takes(early) else {
            return refuse(.flowControl, "early data beyond the window")
        }
        // A stream that is not taken has ended on both sides; its early data counts as passed on. Streams that are over for the
        // peer and not yet settled here leave less room for others.
        let headSize = MuxHeadCoding.size(head)
        if isGoingAway || receiving.heads + headSize > configuration.headMemory
            || slots.count + receiving.unsettled >= configuration.maxStreams
        {
            guard budget.spend(1, now: now) else { return refuse(.excessive, "streams beyond what was refused") }
            receiving.receive(early)
            consumeForSession(early)
            control.append(
                .reset(stream: stream, Failure(.refused, isGoingAway ? "the server is shutting down" : "too many requests")))
            return .none
        }
        let slot = insert(stream, sendWindow: Int(peer.streamWindow), now: now)
        receiving.holdHead(headSize)
        streams[slot].headBytes = headSize
        streams[slot].receiving.begin(size: configuration.streamWindow, early: early, now: now)
        if end { streams[slot].receiving.end() }
        receiving.receive(early)
        grantToSession()
        return .opened(slot: slot, head, early: payload, end: end)
    }

    private mutating func receiveHead(_ stream: UInt32, _ payload: ByteBuffer, _ now: NIODeadline) -> MuxEvent {
        guard role == .opener else { return refuse(.protocolViolation, "HEAD to the side that answers") }
        guard let slot = slots[stream] else { return stale(stream, now) }
        guard !streams[slot].isAnswered, !streams[slot].receiving.hasEnded else {
            return refuse(.protocolViolation, "a second HEAD on stream \(stream)")
        }
        guard let head = MuxHeadCoding.decodeResponse(payload, mayBeDeflated: streams[slot].takesDeflated) else {
            return refuse(.protocolViolation, "a malformed HEAD on stream \(stream)")
        }
        if head.isInformational {
            streams[slot].informationals += 1
            guard streams[slot].informationals <= Self.informationalLimit else {
                return resetAsExcessive(slot, "more than \(Self.informationalLimit) informational responses")
            }
        } else {
            streams[slot].answer = .head
        }
        guard holdHead(head.fields, slot) else { return resetAsExcessive(slot, "more heads than can be held") }
        return .head(slot: slot, head)
    }

    private mutating func receiveReason(_ stream: UInt32, _ failure: Failure, _ now: NIODeadline) -> MuxEvent {
        guard role == .opener else { return refuse(.protocolViolation, "REASON to the side that answers") }
        guard let slot = slots[stream] else { return stale(stream, now) }
        guard streams[slot].answer == .none else {
            return refuse(.protocolViolation, "a REASON behind the answer of stream \(stream), or a second one")
        }
        streams[slot].answer = .explained
        return .reason(slot: slot, failure)
    }

    /// Counts what came with a head or trailers until the stream is over. False when there is no room for it.
    private mutating func holdHead(_ fields: HeaderFields, _ slot: Int) -> Bool {
        let size = MuxHeadCoding.size(fields)
        guard receiving.heads + size <= configuration.headMemory else { return false }
        receiving.holdHead(size)
        streams[slot].headBytes += size
        return true
    }

    private mutating func resetAsExcessive(_ slot: Int, _ message: String) -> MuxEvent {
        let failure = Failure(.excessive, message)
        reset(slot, failure)
        return .reset(slot: slot, failure, .excessive)
    }

    private mutating func receiveData(
        _ stream: UInt32, _ bytes: ByteBuffer, _ end: Bool, _ isEmptyFrame: Bool, _ now: NIODeadline
    ) -> MuxEvent {
        let count = bytes.readableBytes
        if isEmptyFrame, !end {
            guard budget.spend(1, now: now) else { return refuse(.excessive, "too many empty frames") }
        }
        guard receiving.takes(count) else {
            return refuse(.flowControl, "more than the session's window")
        }
        guard let slot = slots[stream] else {
            // What was on its way when the stream ended. It counts as passed on.
            receiving.receive(count)
            consumeForSession(count)
            return count >= Self.crumb && isKnown(stream) ? .none : stale(stream, now)
        }
        guard !streams[slot].receiving.hasEnded else {
            return refuse(.protocolViolation, "DATA after the end of stream \(stream)")
        }
        guard role == .acceptor || streams[slot].isAnswered else {
            return refuse(.protocolViolation, "DATA before the HEAD of stream \(stream)")
        }
        guard streams[slot].receiving.receive(count, now: now) else {
            return refuse(.flowControl, "more than the window of stream \(stream)")
        }
        note(count, on: slot)
        receiving.receive(count)
        grantToSession()
        if end { streams[slot].receiving.end() }
        return .data(slot: slot, bytes, end: end)
    }

    private mutating func receiveTrailers(_ stream: UInt32, _ payload: ByteBuffer, _ now: NIODeadline) -> MuxEvent {
        guard let slot = slots[stream] else { return stale(stream, now) }
        guard !streams[slot].receiving.hasEnded, role == .acceptor || streams[slot].isAnswered else {
            return refuse(.protocolViolation, "TRAILERS outside the body of stream \(stream)")
        }
        guard let fields = MuxHeadCoding.decodeTrailers(payload) else {
            return refuse(.protocolViolation, "malformed TRAILERS on stream \(stream)")
        }
        streams[slot].receiving.end()
        guard holdHead(fields, slot) else { return resetAsExcessive(slot, "more trailers than can be held") }
        return .trailers(slot: slot, fields)
    }

    private mutating func receiveWindow(_ stream: UInt32, _ increment: UInt32, _ now: NIODeadline) -> MuxEvent {
        guard increment > 0 else { return refuse(.flowControl, "WINDOW of nothing") }
        if increment < Self.crumb {
            guard budget.spend(1, now: now) else { return refuse(.excessive, "credit in crumbs") }
        }
        if stream == 0 {
            guard sending.widen(by: Int(increment)) else { return refuse(.flowControl, "too large a window") }
            ready.feed(&streams)
            return .none
        }
        guard let slot = slots[stream] else { return stale(stream, now) }
        guard streams[slot].sending.widen(by: Int(increment), now: now) else {
            return refuse(.flowControl, "too large a window of stream \(stream)")
        }
        recount(slot)
        if streams[slot].readiness == .blocked { ready.insert(slot, &streams[slot]) }
        guard streams[slot].awaitsWindow, hasWindow(slot) else { return .none }
        streams[slot].awaitsWindow = false
        return .windowed(slot: slot)
    }

    private mutating func receiveReset(_ stream: UInt32, _ failure: Failure, _ now: NIODeadline) -> MuxEvent {
        guard let slot = slots[stream] else { return stale(stream, now) }
        if role == .acceptor, !streams[slot].isAnswered {
            guard budget.spend(1, now: now) else { return refuse(.excessive, "streams opened and reset") }
        }
        remove(slot)
        return .reset(slot: slot, failure, .peer)
    }

    /// Whether a stream of that number was ever open.
    private func isKnown(_ stream: UInt32) -> Bool { stream != 0 && stream <= lastStream }

    /// A frame for a stream that is over: it was on its way. One for a stream that never was is a fault.
    private mutating func stale(_ stream: UInt32, _ now: NIODeadline) -> MuxEvent {
        guard isKnown(stream) else { return refuse(.protocolViolation, "a frame for stream \(stream), which was never open") }
        return budget.spend(1, now: now) ? .none : refuse(.excessive, "frames for streams that are over")
    }

    /// The peer's word for it counts as one of those that cost work and bring nothing.
    mutating func spendOnAcknowledgement(_ now: NIODeadline) -> MuxEvent {
        budget.spend(1, now: now) ? .none : refuse(.excessive, "acknowledgements of nothing")
    }

    /// The peer acknowledges what can't be.
    mutating func refuseAcknowledgement(_ position: UInt64) -> MuxEvent {
        refuse(.protocolViolation, "ACK of what was never sent (\(position))")
    }

    private mutating func refuse(_ code: Failure.Code, _ what: String) -> MuxEvent {
        let failure = Failure(code, "the peer broke the protocol: \(what)")
        fail(failure)
        return .failed(failure)
    }
}
