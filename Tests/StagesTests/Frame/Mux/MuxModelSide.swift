import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

/// One direction of a stream as the model sees it. Its bytes are a part of the pattern that the stream's number chooses, so
/// that counting is enough to know them.
struct MuxModelFlow {
    private static let period = 100_000
    private static let pattern = ByteBuffer(
        bytes: (0..<200_000).map { UInt8(truncatingIfNeeded: ($0 % period) &* 31 ^ ($0 % period) >> 8) })

    var count = 0
    var isEnded = false
    var trailers: HeaderFields?

    static func bytes(_ stream: UInt32, at offset: Int, _ count: Int) -> ByteBuffer? {
        pattern.getSlice(at: (offset + Int(stream) * 131) % period, length: count)
    }
}

/// One end of a modelled session: the session, its owner, and the bytes on their way to the other end.
struct MuxModelSide {
    var session: MuxSession
    var inFlight = ByteBuffer()
    /// Streams that are open: number, slot, whether it is answered, and what came and is not consumed.
    var live: [UInt32: (slot: Int, isAnswered: Bool, unconsumed: Int)] = [:]
    /// What was sent and what came, of every stream that ever was.
    var sent: [UInt32: MuxModelFlow] = [:]
    var came: [UInt32: MuxModelFlow] = [:]
    /// Streams that were reset, here or by the peer.
    var reset: Set<UInt32> = []
    var failure: Failure?
    /// What streams that are over have not passed on.
    var held: [MuxHolding] = []
    /// When something last came.
    private var now: NIODeadline
    private var decoder = MuxFrameDecoder()
    private var numbers: [Int: UInt32] = [:]

    init(_ role: MuxSession.Role, _ configuration: MuxConfiguration, _ now: NIODeadline) {
        session = MuxSession(role: role, configuration: configuration, now: now)
        self.now = now
    }

    // MARK: - The owner

    mutating func open(_ padding: Int) {
        let id = session.lastStream + 1
        guard let slot = session.open(Self.request(id, padding), now: now) else { return }
        add(id, slot, isAnswered: true)
    }

    mutating func answer(_ id: UInt32, _ status: Int = 200) {
        guard let stream = live[id], !stream.isAnswered, session.role == .acceptor else { return }
        let head = ResponseHead(status: status, fields: HeaderFields([("Stream", "\(id)")]))
        // There may be no room for it while the peer doesn't read.
        guard session.send(head, on: stream.slot) else { return abort(id) }
        if !head.isInformational { live[id]?.isAnswered = true }
    }

    mutating func send(_ id: UInt32, _ count: Int) {
        guard let stream = live[id], stream.isAnswered, session.acceptsData(from: stream.slot), let flow = sent[id], !flow.isEnded,
            let bytes = MuxModelFlow.bytes(id, at: flow.count, count)
        else { return }
        session.send(bytes, on: stream.slot)
        sent[id]?.count += count
    }

    mutating func end(_ id: UInt32, _ trailers: HeaderFields?) {
        guard let stream = live[id], stream.isAnswered, sent[id]?.isEnded == false else { return }
        session.end(trailers, on: stream.slot)
        sent[id]?.isEnded = true
        sent[id]?.trailers = trailers
    }

    mutating func abort(_ id: UInt32) {
        guard let stream = live[id] else { return }
        session.reset(stream.slot, Failure(.cancelled, "enough"))
        reset.insert(id)
        forget(stream.slot)
    }

    mutating func consume(_ id: UInt32, _ count: Int) {
        guard let stream = live[id], stream.unconsumed > 0 else { return }
        let count = min(count, stream.unconsumed)
        session.consume(count, on: stream.slot, now: now)
        live[id]?.unconsumed -= count
    }

    /// Passes on some of what a stream that is over has left, or all of it.
    mutating func settle(_ index: Int, _ count: Int) {
        let part = min(count, held[index].bytes)
        held[index].bytes -= part
        session.settle(part)
        if held[index].bytes == 0 { session.settle(held.remove(at: index)) }
    }

    // MARK: - The wire

    /// Writes up to so many frames. Whether there was one.
    @discardableResult
    mutating func write(_ most: Int) -> Bool {
        for round in 0..<most {
            guard let step = session.write(into: &inFlight) else { return round > 0 }
            if let payload = step.payload { inFlight.writeImmutableBuffer(payload) }
            if let slot = step.slot, step.isOver { forget(slot) }
        }
        return most > 0
    }

    mutating func take(_ bytes: ByteBuffer, _ now: NIODeadline) {
        self.now = now
        decoder.append(bytes)
        do {
            while let frame = try decoder.next() { handle(session.receive(frame, now: now)) }
        } catch {
            failure = error
        }
    }

    private mutating func handle(_ event: MuxEvent) {
        switch event {
        case .none, .established, .goingAway, .windowed, .crowded, .doubtful, .attaching, .attached, .acknowledged, .reason:
            break
        case .opened(let slot, let head, let early, let isEnd):
            let id = session.streams[slot].id
            add(id, slot, isAnswered: false)
            #expect(head == Self.request(id, head.fields.first("Padding")?.utf8.count ?? 0))
            receive(id, early)
            if isEnd { ended(slot, nil) }
        case .head(let slot, let head):
            #expect(head.fields.first("Stream") == numbers[slot].map { "\($0)" })
        case .data(let slot, let bytes, let isEnd):
            if let id = numbers[slot] { receive(id, bytes) }
            if isEnd { ended(slot, nil) }
        case .trailers(let slot, let fields):
            ended(slot, fields)
        case .reset(let slot, _, _):
            if let id = numbers[slot] { reset.insert(id) }
            forget(slot)
        case .failed(let failure), .silent(let failure):
            self.failure = failure
        }
    }

    private mutating func receive(_ id: UInt32, _ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        let expected = MuxModelFlow.bytes(id, at: came[id]?.count ?? 0, count)
        if came[id]?.isEnded != false || bytes != expected { Issue.record("stream \(id) got bytes that are not its next") }
        came[id]?.count += count
        live[id]?.unconsumed += count
    }

    private mutating func ended(_ slot: Int, _ trailers: HeaderFields?) {
        guard let id = numbers[slot] else { return }
        came[id]?.isEnded = true
        came[id]?.trailers = trailers
        if session.removeIfOver(slot) { forget(slot) }
    }

    private mutating func add(_ id: UInt32, _ slot: Int, isAnswered: Bool) {
        #expect(numbers[slot] == nil && live[id] == nil, "a slot or number that is taken")
        numbers[slot] = id
        live[id] = (slot, isAnswered, 0)
        sent[id] = MuxModelFlow()
        came[id] = MuxModelFlow()
    }

    private mutating func forget(_ slot: Int) {
        guard let id = numbers.removeValue(forKey: slot) else { return }
        live[id] = nil
        held.append(session.takeHolding(slot))
    }

    private static func request(_ id: UInt32, _ padding: Int) -> RequestHead {
        var fields = HeaderFields()
        if padding > 0 { fields.append("Padding", String(repeating: "p", count: padding)) }
        return RequestHead(method: "POST", scheme: .http, authority: "a.test", path: "/\(id)", body: .unknown, fields: fields)
    }
}
