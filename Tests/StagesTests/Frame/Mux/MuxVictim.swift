import HTTPMessages
import NIOCore

@testable import TunnelStages

/// A session whose peer is up to no good: bytes go in, and what became of the session is kept.
struct MuxVictim {
    var session: MuxSession
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private(set) var failure: Failure?
    private(set) var lastSlot: Int?
    private(set) var resets: [MuxResetCause] = []
    /// Streams, by their numbers, that had to go for others.
    private(set) var crowdedOut: [UInt32] = []
    /// Whose streams are, by their numbers.
    var parties: [UInt32: String] = [:]
    /// What streams that are over have left, and which of these had to go, by their places.
    var leftovers: [MuxHolder] = []
    private(set) var abandoned: [Int] = []
    private(set) var goneAway = 0
    private var decoder = MuxFrameDecoder()

    static var small: MuxConfiguration {
        var configuration = MuxConfiguration()
        configuration.memory = 65_536
        configuration.streamWindow = 4_096
        configuration.maxStreams = 16
        return configuration
    }

    init(_ role: MuxSession.Role, _ configuration: MuxConfiguration = small, hello: [UInt8] = MuxWire.hello()) {
        session = MuxSession(role: role, configuration: configuration, now: now)
        feed(hello)
    }

    mutating func feed(_ bytes: [UInt8]) {
        guard failure == nil else { return }
        decoder.append(ByteBuffer(bytes: bytes))
        do {
            while let frame = try decoder.next() { note(session.receive(frame, now: now)) }
        } catch {
            session.fail(error)
            note(.failed(error))
        }
    }

    /// The same frame, or others, until the session is over: at most `limit` times.
    mutating func flood(_ limit: Int = 5_000, _ bytes: (UInt32) -> [UInt8]) {
        for round in 0..<limit where failure == nil { feed(bytes(UInt32(round))) }
    }

    mutating func tick(after time: TimeAmount) {
        now = now + time
        note(session.tick(now: now))
    }

    /// Makes room, if it is time for that.
    mutating func relieve() {
        let whose = session.streams.map { parties[$0.id] ?? "" }
        for place in session.relieve(now, leftovers: leftovers, party: { whose[$0] }) {
            switch place {
            case .leftover(let index): abandoned.append(index)
            case .stream(let slot, let number):
                crowdedOut.append(number)
                session.reset(slot, Failure(.excessive, "crowded"))
                session.settle(session.takeHolding(slot))
            }
        }
    }

    /// Opens a stream, and has it written.
    mutating func open() {
        lastSlot = session.open(RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/"), now: now)
        _ = written()
    }

    /// Everything that may be written now, as frames.
    mutating func written() -> [MuxFrame] {
        var out = ByteBuffer()
        while let step = session.write(into: &out) {
            if let payload = step.payload { out.writeImmutableBuffer(payload) }
        }
        var reader = MuxFrameDecoder()
        reader.append(out)
        var frames: [MuxFrame] = []
        while let frame = try? reader.next() { frames.append(frame) }
        return frames
    }

    private mutating func note(_ event: MuxEvent) {
        switch event {
        case .failed(let failure): self.failure = failure
        case .opened(let slot, _, _, _): lastSlot = slot
        case .data(let slot, _, true), .trailers(let slot, _):
            if session.removeIfOver(slot) { session.settle(session.takeHolding(slot)) }
        case .reset(let slot, _, let cause):
            session.settle(session.takeHolding(slot))
            resets.append(cause)
        case .goingAway: goneAway += 1
        case .crowded: relieve()
        default: break
        }
    }
}
