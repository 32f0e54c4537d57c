import HTTPMessages
import NIOCore

@testable import TunnelStages

/// An owner of a session that does whatever an owner may do, at random, while its peer sends nonsense.
struct MuxMutationOwner {
    private(set) var session: MuxSession
    private(set) var isOver = false
    private var decoder = MuxFrameDecoder()
    private var live: [Int] = []
    /// What streams that are over left to their owner.
    private var held: [MuxHolding] = []

    private static let request = RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/")
    private static let body = ByteBuffer(repeating: 0x62, count: Self.mostSent)
    /// The largest piece that is sent at once, in bytes.
    static let mostSent = 6_000

    init(_ role: MuxSession.Role, _ now: NIODeadline) {
        session = MuxSession(role: role, configuration: MuxVictim.small, now: now)
    }

    /// How many frames there were up to the session's end.
    @discardableResult
    mutating func take(_ bytes: ByteBuffer, _ now: NIODeadline) -> Int {
        var frames = 0
        decoder.append(bytes)
        do {
            while !isOver, let frame = try decoder.next() {
                handle(session.receive(frame, now: now))
                frames += 1
            }
        } catch {
            session.fail(error)
            isOver = true
        }
        return frames
    }

    private mutating func handle(_ event: MuxEvent) {
        switch event {
        case .opened(let slot, _, _, _): live.append(slot)
        case .data(let slot, _, true), .trailers(let slot, _):
            if session.removeIfOver(slot) { forget(slot) }
        case .reset(let slot, _, _): forget(slot)
        case .goingAway(let last, _):
            for slot in session.removeStreams(above: last) { forget(slot) }
        case .failed: isOver = true
        default: break
        }
    }

    mutating func act(_ random: inout SeededGenerator) {
        if session.role == .opener, random.chance(30), let slot = session.open(Self.request, now: session.liveness.lastHeard) {
            live.append(slot)
        }
        if random.chance(70) { write(&random) }
        if random.chance(40) { settle(&random) }
        guard !live.isEmpty else { return }
        let slot = random.pick(live)
        switch random.below(8) {
        case 0: if session.role == .acceptor, !session.streams[slot].isAnswered { answer(slot) }
        case 1, 2:
            guard session.role == .opener || session.streams[slot].isAnswered, session.acceptsData(from: slot) else { break }
            session.send(Self.body.getSlice(at: 0, length: 1 + random.below(Self.mostSent)) ?? Self.body, on: slot)
        case 3:
            guard session.role == .opener || session.streams[slot].isAnswered else { break }
            session.end(nil, on: slot)
        case 4:
            session.reset(slot, Failure(.cancelled, ""))
            forget(slot)
        default:
            session.consume(1 + random.below(4_096), on: slot, now: session.liveness.lastHeard)
        }
    }

    private mutating func answer(_ slot: Int) {
        guard !session.send(ResponseHead(status: 200), on: slot) else { return }
        session.reset(slot, Failure(.tooLarge, ""))
        forget(slot)
    }

    private mutating func write(_ random: inout SeededGenerator) {
        var out = ByteBuffer()
        for _ in 0..<random.below(8) {
            guard let step = session.write(into: &out) else { return }
            if let slot = step.slot, step.isOver { forget(slot) }
        }
    }

    private mutating func forget(_ slot: Int) {
        live.removeAll { $0 == slot }
        held.append(session.takeHolding(slot))
    }

    private mutating func settle(_ random: inout SeededGenerator) {
        guard !held.isEmpty else { return }
        let index = random.below(held.count)
        if random.chance(50) {
            session.settle(held.remove(at: index))
        } else {
            let part = random.below(held[index].bytes + 1)
            held[index].bytes -= part
            session.settle(part)
        }
    }

    /// What doesn't add up or is more than a session may hold; nil if all is well.
    var fault: String? {
        let configuration = session.configuration
        let streams = session.streams
        let left = held + streams.map(\.left)
        if session.received + session.receiving.owed > configuration.sessionWindow { return "\(session.received) bytes received" }
        if session.queuedBytes > configuration.sendLimit + Self.mostSent + 4_096 { return "\(session.queuedBytes) bytes queued" }
        if session.queuedBytes + session.received + session.receiving.heads > configuration.memory { return "over its memory" }
        if session.receiving.heads > configuration.headMemory { return "\(session.receiving.heads) bytes of heads" }
        if session.openStreams > 100 || session.control.count > MuxSession.controlLimit + 100 { return "too much is waiting" }
        if session.ready.count + session.ready.starvedCount > 1_000 { return "lists of streams that are over" }
        if streams.reduce(0, { $0 + $1.receiving.held }) + left.reduce(0, { $0 + $1.bytes }) != session.received {
            return "received bytes don't add up"
        }
        if streams.reduce(0, { $0 + $1.sending.bytes }) != session.queuedBytes { return "queued bytes don't add up" }
        if streams.reduce(0, { $0 + max(0, $1.sending.bytes - max(0, $1.sending.window)) }) != session.sending.stuck {
            return "stuck bytes don't add up"
        }
        if streams.reduce(0, { $0 + $1.headBytes }) + left.reduce(0, { $0 + $1.heads }) != session.receiving.heads {
            return "heads don't add up"
        }
        let pinned = streams.reduce(0) { $0 + $1.receiving.pinned + $1.sending.pinned } + left.reduce(0) { $0 + $1.pinned }
        if pinned != session.pinned { return "pinned bytes don't add up" }
        for stream in streams {
            let (queue, window) = (stream.sending, stream.receiving)
            let allowed = 2 * queue.bytes + queue.pinned + 64 * queue.count
            if queue.capacity > allowed { return "a queue of \(queue.bytes) bytes takes \(queue.capacity)" }
            if window.room + window.held + window.owed != window.size { return "a window doesn't add up" }
        }
        if left.filter(\.isUnsettled).count != session.receiving.unsettled { return "unsettled streams don't add up" }
        if Set(live) != Set(session.slots.values) { return "the owner knows other streams than the session" }
        return nil
    }
}
