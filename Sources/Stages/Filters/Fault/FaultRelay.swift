import DequeModule
import HTTPMessages
import NIOCore
import Pipeline

/// One exchange whose bodies are disturbed on their way.
final class FaultRelay: ExchangeRelay {
    /// How often a slow body moves on.
    static let tick = TimeAmount.milliseconds(50)

    private enum Event {
        case bytes(ByteBuffer)
        case end(HeaderFields?)
        case cut
    }

    /// One direction: what is to happen, and what waits.
    private struct Lane {
        let isRequest: Bool
        /// Bytes that may still pass.
        var remaining: Int?
        var throttle: FaultThrottle?
        var corrupts: Bool
        var waiting = Deque<Event>()
        var isCut = false
        var notedCorruption = false
        var notedThrottle = false

        /// Whether bytes are taken in hand at all.
        var isActive: Bool { remaining != nil || throttle != nil || corrupts }
    }

    private let port: FaultPort
    private var request: Lane
    private var response: Lane
    private var timer: Scheduled<Void>?
    private var isOver = false
    /// Bytes of the response that were passed on and not yet credited.
    private var outstanding = 0
    /// The response is to be cut when they are.
    private var isCutting = false

    init(_ outer: Exchange, plan: FaultPlan, port: FaultPort) {
        self.port = port
        let now = NIODeadline.now()
        request = Lane(
            isRequest: true, remaining: plan.cutRequest,
            throttle: plan.requestRate.map { FaultThrottle(rate: $0, now: now) }, corrupts: plan.corruptsRequest)
        response = Lane(
            isRequest: false, remaining: plan.cutResponse,
            throttle: plan.responseRate.map { FaultThrottle(rate: $0, now: now) }, corrupts: plan.corruptsResponse)
        super.init(outer)
    }

    // MARK: - Request

    override func requestBody(_ bytes: ByteBuffer) {
        guard request.isActive else { return super.requestBody(bytes) }
        disturb(bytes, &request)
        move(\.request)
    }

    override func requestEnd(_ trailers: HeaderFields?) {
        guard request.isActive else { return super.requestEnd(trailers) }
        if !request.isCut { request.waiting.append(.end(trailers)) }
        move(\.request)
    }

    override func requestAborted(_ failure: Failure) {
        stop()
        super.requestAborted(failure)
    }

    // MARK: - Response

    override func innerBody(_ bytes: ByteBuffer) {
        guard response.isActive else { return super.innerBody(bytes) }
        disturb(bytes, &response)
        move(\.response)
    }

    override func innerEnd(_ trailers: HeaderFields?) {
        guard response.isActive else { return super.innerEnd(trailers) }
        if !response.isCut { response.waiting.append(.end(trailers)) }
        move(\.response)
    }

    override func innerAborted(_ failure: Failure) {
        stop()
        super.innerAborted(failure)
    }

    // MARK: - Faults

    private func disturb(_ bytes: ByteBuffer, _ lane: inout Lane) {
        guard !lane.isCut, bytes.readableBytes > 0 else { return }
        var bytes = bytes
        var cuts = false
        if let remaining = lane.remaining {
            cuts = bytes.readableBytes > remaining
            if cuts { bytes = bytes.getSlice(at: bytes.readerIndex, length: remaining) ?? ByteBuffer() }
            lane.remaining = remaining - bytes.readableBytes
        }
        if lane.corrupts, bytes.readableBytes > 0 {
            if !lane.notedCorruption { port.note(.corrupt, outer) }
            lane.notedCorruption = true
            let place = bytes.readerIndex + Int.random(in: 0..<bytes.readableBytes, using: &port.draw)
            if let byte = bytes.getInteger(at: place, as: UInt8.self) {
                bytes.setInteger(byte ^ (1 << UInt8.random(in: 0...7, using: &port.draw)), at: place)
            }
        }
        if bytes.readableBytes > 0 { lane.waiting.append(.bytes(bytes)) }
        if cuts {
            lane.isCut = true
            lane.waiting.append(.cut)
        }
    }

    /// Passes on what may pass now; the rest by and by. What waits earns no credit, and is bounded by its sender's window.
    private func move(_ path: ReferenceWritableKeyPath<FaultRelay, Lane>) {
        let now = NIODeadline.now()
        while !isOver, let event = self[keyPath: path].waiting.popFirst() {
            let isRequest = self[keyPath: path].isRequest
            switch event {
            case .bytes(var bytes):
                let count = self[keyPath: path].throttle?.take(upTo: bytes.readableBytes, now: now) ?? bytes.readableBytes
                let part = bytes.readSlice(length: count) ?? ByteBuffer()
                if bytes.readableBytes > 0 { self[keyPath: path].waiting.prepend(.bytes(bytes)) }
                if part.readableBytes > 0 {
                    if !isRequest { outstanding += part.readableBytes }
                    if isRequest { super.requestBody(part) } else { super.innerBody(part) }
                }
                if bytes.readableBytes > 0 { return wait(path) }
            case .end(let trailers):
                if isRequest { super.requestEnd(trailers) } else { super.innerEnd(trailers) }
            case .cut:
                if isRequest { cut() } else { cutWhenPassedOn() }
            }
        }
    }

    private func wait(_ path: ReferenceWritableKeyPath<FaultRelay, Lane>) {
        if !self[keyPath: path].notedThrottle { port.note(.throttle, outer) }
        self[keyPath: path].notedThrottle = true
        guard timer == nil else { return }
        timer = outer.shard.loop.assumeIsolated().scheduleTask(in: Self.tick) {
            self.timer = nil
            self.move(\.request)
            self.inner?.flushRequest()
            self.move(\.response)
            self.outer.flushResponse()
        }
    }

    // A reset would overtake what is on its way: it waits until the client's side has that.

    override func responseCredit(_ bytes: Int) {
        outstanding -= bytes
        super.responseCredit(bytes)
        if isCutting { cutWhenPassedOn() }
    }

    private func cutWhenPassedOn() {
        isCutting = outstanding > 0
        outer.flushResponse()
        guard !isCutting, outstanding <= 0 else { return }
        outer.shard.loop.assumeIsolated().execute { if !self.isOver { self.cut() } }
    }

    private func cut() {
        port.note(.truncate, outer)
        stop()
        let failure = Failure(.originClosed, "the stage 'fault' has cut the body off")
        inner?.abortRequest(failure)
        if outer.response == nil { outer.abortResponse(failure) } else { outer.reset(failure) }
        outer.flushResponse()
    }

    private func stop() {
        isOver = true
        timer?.cancel()
        timer = nil
        request.waiting = []
        response.waiting = []
    }
}
