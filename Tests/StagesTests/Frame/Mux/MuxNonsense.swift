import NIOCore

@testable import TunnelStages

/// What a peer could send now, with some frames that it must not send, and some bytes that are wrong.
struct MuxNonsense {
    var random: SeededGenerator

    mutating func batch(of count: Int, for session: MuxSession) -> [UInt8] {
        let pool = session.role == .acceptor ? Self.forAcceptor : Self.forOpener
        let isMeek = random.chance(90)
        let open = Array(session.slots.keys)
        var flowing = session.streams.filter {
            $0.id != 0 && !$0.receiving.hasEnded && ($0.isAnswered || session.role == .acceptor)
        }
        .map(\.id)
        var unanswered = session.streams.filter { $0.id != 0 && !$0.isAnswered }.map(\.id)
        var bytes: [UInt8] = []
        var last = session.lastStream
        for _ in 0..<count {
            let frame = pool[random.below(pool.count)]
            let type = frame[3] & 0x1F
            var stream: UInt32 = 0
            if frame[7] == 1 {
                var choices = open
                if isMeek, type == 2 { choices = unanswered }
                if isMeek, type == 3 || type == 4 { choices = flowing }
                if isMeek, choices.isEmpty, type != 1 { continue }
                stream = choices.isEmpty ? max(last, 1) : choices[random.below(choices.count)]
                if type == 1 {
                    last += 1
                    stream = last
                } else if type == 2 {
                    unanswered.removeAll { $0 == stream }
                } else if type == 4 || frame[3] == 0x83 {
                    flowing.removeAll { $0 == stream }
                }
            }
            bytes.append(contentsOf: frame)
            for place in 0..<4 {
                bytes[bytes.count - frame.count + 4 + place] = UInt8(truncatingIfNeeded: stream >> UInt32(24 - 8 * place))
            }
        }
        if random.chance(5) { mutate(&bytes) }
        return bytes
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(4) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 2: bytes.remove(at: place)
            default: bytes.insert(random.pick([0, 1, 3, 0x80, 0xFF]), at: place)
            }
        }
    }

    // On stream 1 stands for: on a stream that is chosen.
    private static let both =
        [MuxWire.window(1, 600), MuxWire.window(1, 3_000), MuxWire.window(0, 2_000), MuxWire.window(0, 1), MuxWire.ping(1)]
        + [MuxWire.reset(1), MuxWire.data(1, 700), MuxWire.data(1, 0, end: true), MuxWire.trailers(1), MuxWire.frame(13)]
        + [MuxWire.pong(0), MuxWire.frame(3, 1)] + (1...30).map { MuxWire.data(1, $0) }
    private static let forAcceptor =
        both + [MuxWire.open(1, end: true), MuxWire.open(1, early: [1, 2, 3])] + [MuxWire.open(1), MuxWire.open(1)]
        + [MuxWire.open(1, MuxWire.request([("X", String(repeating: "x", count: 900))]))]
    private static let forOpener =
        both + [MuxWire.head(1), MuxWire.head(1, MuxWire.response(103)), MuxWire.head(1, MuxWire.response(204))]
        + [MuxWire.goAway(1_000_000)]
}
