import HTTPMessages
import Logging
import NIOCore
import Pipeline

/// Going on over another connection.
extension MuxHandler {
    /// Whether the session is kept when its connection is lost.
    var canDetach: Bool {
        isActive && resumable != nil && resumable?.detached == nil && session.failure == nil && !session.isGoingAway
            && !session.isAttaching && owner != nil
    }

    /// Whether the session waits for another connection.
    var isDetached: Bool { resumable?.detached != nil }

    /// What another connection's HELLO says to go on with this session.
    var wish: MuxAttach? {
        guard let resumable, resumable.detached != nil, isActive else { return nil }
        return MuxAttach(token: resumable.token, position: resumable.receive.received)
    }

    /// How long the session has been without a connection.
    private func silence(_ now: NIODeadline) -> TimeAmount { resumable?.detached.map { now - $0.since } ?? .zero }

    /// The connection is lost: what comes of it is not taken any more, and the session waits for another.
    func detach(because failure: Failure) {
        let now = NIODeadline.now()
        let old = line
        line = nil
        old?.abandon()
        // Half of a frame stays where it is; what can't be told from an ACK comes again.
        let dropped = decoder.unclear + decoder.takeRest().readableBytes
        decoder.forgetUnclear()
        resumable?.receive.leaveOut(dropped)
        forgetTurn()
        guard let keep = resumable?.keep else { return }
        resumable?.detached = (now, now + keep)
        noteKept(isLast: true)
        meter.resumption.lost()
        let kept = resumable?.send.kept ?? 0
        shard.logger.notice(
            "connection lost, the session is kept",
            metadata: [
                "remote": "\(peerName)", "reason": "\(failure.message)", "streams": "\(session.openStreams)", "bytes": "\(kept)",
                "for": "\(keep.nanoseconds / 1_000_000_000) s",
            ])
        owner?.sessionDetached(failure)
    }

    /// There is reason to doubt that the peer can still be reached over this connection.
    func doubt() {
        guard isActive, line != nil, resumable != nil, session.role == .opener else { return }
        session.doubt(.now())
        if session.hasControl { flushSoon() }
    }

    /// The peer was asked whether it is there, and for so long nothing has come. The kernel knows whether that is because of the way.
    func detachIfLost(after time: TimeAmount) {
        guard canDetach, line?.isLost(after: time) == true else { return }
        let seconds = Double(time.nanoseconds / 1_000_000) / 1_000
        detach(because: Failure(.tunnelLost, "\(peerName) has not acknowledged anything for \(seconds) s"))
    }

    /// No other connection has come in time.
    func outlasted() {
        let seconds = silence(.now()).nanoseconds / 1_000_000_000
        meter.resumption.gaveUp(silence(.now()))
        end(Failure(.tunnelLost, "the connection to \(peerName) was lost and did not come back within \(seconds) s"))
    }

    /// Its server takes nothing new.
    func endIfDetached() {
        guard resumable?.detached != nil else { return }
        end(Failure(.draining, "the server is shutting down"))
    }

    // MARK: - The opener

    /// The acceptor has everything up to a position: the session goes on over a connection.
    /// - Parameter rest: What has come over it already.
    /// - Returns: False if that can't be; the session is over then.
    func adopt(_ wire: MuxConnection, at position: UInt64, _ token: ResumptionToken, rest: ByteBuffer) -> Bool {
        guard resumable?.send.resume(at: position) == true else {
            end(Failure(.tunnelLost, "\(peerName) has lost what was sent to it"))
            return false
        }
        resumable?.token = token
        // Shows that the answer has come, and that the token before it is of no use any more.
        resumable?.owesAcknowledgement = true
        goOn(.near(wire), rest: rest)
        return true
    }

    // MARK: - The acceptor

    /// Why the session can't go on as an opener wants it to; nil if it can.
    func refusal(of wish: MuxAttach) -> MuxAttachRefusal? {
        guard isActive, resumable != nil, session.failure == nil else { return .unknown }
        guard !session.isGoingAway, parking?.isDraining != true else { return .draining }
        return nil
    }

    /// Goes on over another connection, for which the one that there is is let go of at once.
    /// For a position that can't be, the session is over.
    func attach(_ line: MuxLine, _ wish: MuxAttach, named token: ResumptionToken) {
        if let refusal = refusal(of: wish) { return reject(line, refusal) }
        if resumable?.detached == nil { detach(because: Failure(.tunnelLost, "the agent has another connection")) }
        guard isActive, resumable?.send.resume(at: wish.position) == true else {
            if isActive { end(Failure(.protocolViolation, "the agent has lost what was sent to it")) }
            return reject(line, .position)
        }
        resumable?.token = token
        var answer = ByteBuffer()
        MuxFrameEncoder.attached(.accepted(position: resumable?.receive.received ?? 0, token), into: &answer)
        writeApart(answer, line)
        goOn(line)
    }

    /// A connection that was to be this session's, and can be nobody's any more.
    private func reject(_ line: MuxLine, _ refusal: MuxAttachRefusal) {
        meter.resumption.refused(refusal)
        var answer = ByteBuffer()
        MuxFrameEncoder.attached(.refused(refusal), into: &answer)
        line.dismiss(with: answer)
    }

    /// The connection's opener hears that it doesn't get the session that it wanted; this one begins.
    func refuse(_ refusal: MuxAttachRefusal) {
        guard isActive, line != nil else { return }
        session.refuseAttach(refusal, .now())
        handle(.established)
        pump()
    }

    private func goOn(_ line: MuxLine, rest: ByteBuffer = ByteBuffer()) {
        let now = NIODeadline.now()
        let silence = silence(now)
        resumable?.detached = nil
        self.line = line
        session.resume(now, after: silence)
        if let time = session.liveness.shortestRoundTrip { suit(line, to: time) }
        let again = resumable.map { Int($0.send.position - $0.send.sent) } ?? 0
        meter.resumption.resumed(silence, again)
        shard.logger.notice(
            "the session goes on",
            metadata: [
                "remote": "\(peerName)", "after": "\(Double(silence.nanoseconds / 1_000_000) / 1_000) s",
                "streams": "\(session.openStreams)", "sent again": "\(again)",
            ])
        // Before anything is written: the connection may find within that that more has come.
        if rest.readableBytes > 0 { read(rest) }
        guard self.line != nil else { return }
        owner?.sessionResumed()
        if !isReading { pump() }
    }

    // MARK: - A connection for another session

    /// Gives its connection to another session, with what has come and isn't read. It was never used.
    func surrender() -> (wire: MuxConnection, rest: ByteBuffer)? {
        guard case .near(let wire)? = line else { return nil }
        let rest = decoder.takeRest()
        dissolve()
        return (wire, rest)
    }

    /// Was only there to ask for another session.
    func dissolve() {
        owner = nil
        forgetResumption()
        isActive = false
        shard.deadlines.remove(self)
        end(.connectionClosed(to: peerName))
    }

    // MARK: - What was sent and what has come

    func acknowledged(_ position: UInt64) {
        // No part of what it counts.
        resumable?.receive.leaveOut(MuxFrame.acknowledgementLength)
        guard let news = resumable?.send.acknowledge(position, reusing: shard.readBuffers) else {
            return handle(session.refuseAcknowledgement(position))
        }
        if let token = resumable?.token, session.role == .acceptor { parking?.sessions.confirm(token) }
        if news < MuxSession.crumb { handle(session.spendOnAcknowledgement(.now())) }
    }

    /// Whether the next frame may be written: the peer has yet to acknowledge as much as is kept.
    var mayWrite: Bool {
        guard resumable?.send.isFull == true || resumable?.send.isBehind == true else { return true }
        return resumable?.send.isBehind == false && session.hasControl && resumable?.send.isOverfull == false
    }

    /// What was sent over another connection goes first; then, between two frames, what has come is acknowledged.
    func acknowledgeAndRepeat(_ line: MuxLine) {
        while line.isWritable, resumable?.send.isBehind == true, let bytes = resumable?.send.next() { writeApart(bytes, line) }
        guard resumable?.send.isBehind == false else { return }
        if session.liveness.takeQuestion(), resumable?.receive.hasNews == true { resumable?.owesAcknowledgement = true }
        guard resumable?.receive.isDue == true || resumable?.owesAcknowledgement == true,
            let position = resumable?.receive.acknowledge(without: decoder.unclear)
        else { return }
        resumable?.owesAcknowledgement = false
        // In front of what else is written, so that it is no record of TLS by itself.
        MuxFrameEncoder.acknowledged(position, into: &scratch[scratchIndex])
        apart = MuxFrame.acknowledgementLength
    }

    /// Tells what is kept to whom it concerns for all sessions, when it has changed by much.
    func noteKept(isLast: Bool = false) {
        guard let parking, let kept = resumable?.send.memory, let noted = resumable?.noted else { return }
        guard isLast || abs(kept - noted) >= MuxParking.step else { return }
        resumable?.noted = kept
        resumable?.send.bound = parking.note(kept - noted)
    }

    /// The session is over.
    func forgetResumption() {
        guard let resumable else { return }
        _ = parking?.note(-resumable.noted - MuxParking.cost)
        if session.role == .acceptor { parking?.sessions.forget(resumable.token) }
        self.resumable = nil
    }
}

extension MuxAttachAnswer {
    var isRefusal: Bool { if case .refused = self { true } else { false } }
}
