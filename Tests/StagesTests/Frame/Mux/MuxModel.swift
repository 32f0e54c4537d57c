import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

/// Two sessions and the bytes between them, driven by random decisions.
struct MuxModel {
    private(set) var opener: MuxModelSide
    private(set) var acceptor: MuxModelSide
    private var random: SeededGenerator
    private var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let configuration: MuxConfiguration

    init(seed: UInt64) {
        random = SeededGenerator(seed)
        var configuration = MuxConfiguration()
        configuration.memory = random.pick([131_072, 524_288])
        configuration.streamWindow = random.pick([2_048, 16_384, 65_536])
        configuration.maxStreams = random.pick([1, 5, 20])
        self.configuration = configuration
        opener = MuxModelSide(.opener, configuration, now)
        acceptor = MuxModelSide(.acceptor, configuration, now)
    }

    var failure: Failure? { opener.failure ?? acceptor.failure }

    mutating func run(_ steps: Int) {
        for _ in 0..<steps where failure == nil {
            now = now + .milliseconds(1)
            if random.chance(50) { Self.act(&opener, &random) } else { Self.act(&acceptor, &random) }
            if random.chance(30) { deliver(random.below(3_000), random.below(3_000)) }
        }
    }

    private static func act(_ side: inout MuxModelSide, _ random: inout SeededGenerator) {
        let id = side.live.keys.sorted().randomElement(using: &random) ?? 0
        switch random.below(100) {
        case 0..<12 where side.session.role == .opener: side.open(random.chance(20) ? 8_000 : 0)
        case 0..<3: side.answer(id, 103)
        case 3..<20: side.answer(id)
        case 20..<45: side.send(id, 1 + random.below(random.chance(20) ? 30_000 : 500))
        case 45..<55: side.end(id, random.chance(30) ? HeaderFields([("Sum", "\(id)")]) : nil)
        case 55..<57: side.abort(id)
        case 57..<70: side.consume(id, 1 + random.below(8_000))
        case 70..<75: if !side.held.isEmpty { side.settle(random.below(side.held.count), 1 + random.below(8_000)) }
        default: side.write(random.below(6))
        }
    }

    /// Moves up to so many bytes each way, cut at a random place.
    private mutating func deliver(_ toAcceptor: Int, _ toOpener: Int) {
        Self.move(toAcceptor, from: &opener, to: &acceptor, now, &random)
        Self.move(toOpener, from: &acceptor, to: &opener, now, &random)
    }

    private static func move(
        _ most: Int, from: inout MuxModelSide, to: inout MuxModelSide, _ now: NIODeadline, _ random: inout SeededGenerator
    ) {
        guard var bytes = from.inFlight.readSlice(length: min(most, from.inFlight.readableBytes)), bytes.readableBytes > 0
        else { return }
        if let first = bytes.readSlice(length: random.below(bytes.readableBytes + 1)) { to.take(first, now) }
        to.take(bytes, now)
        if from.inFlight.readableBytes == 0 { from.inFlight.clear() }
    }

    /// Ends what isn't ended, and lets everything flow until nothing moves any more.
    mutating func drain() {
        var isMoving = true
        while isMoving, failure == nil {
            for id in acceptor.live.keys { acceptor.answer(id) }
            for id in acceptor.live.keys { acceptor.end(id, nil) }
            for id in opener.live.keys { opener.end(id, nil) }
            isMoving = flow()
        }
    }

    private mutating func flow() -> Bool {
        for id in acceptor.live.keys { acceptor.consume(id, .max) }
        for id in opener.live.keys { opener.consume(id, .max) }
        while !acceptor.held.isEmpty { acceptor.settle(0, .max) }
        while !opener.held.isEmpty { opener.settle(0, .max) }
        let wrote = (opener.write(50), acceptor.write(50))
        let isMoving = wrote.0 || wrote.1 || opener.inFlight.readableBytes > 0 || acceptor.inFlight.readableBytes > 0
        deliver(.max, .max)
        return isMoving
    }

    /// Sends several times a session's window both ways on a new stream. Whether all of it came.
    mutating func transfer() -> Bool {
        let total = 3 * configuration.sessionWindow
        opener.open(0)
        let id = opener.session.lastStream
        var isMoving = true
        while isMoving, failure == nil {
            acceptor.answer(id)
            for _ in 0..<4 where opener.sent[id]?.count ?? total < total { opener.send(id, 8_192) }
            for _ in 0..<4 where acceptor.sent[id]?.count ?? total < total { acceptor.send(id, 8_192) }
            isMoving = flow()
        }
        return opener.came[id]?.count ?? 0 >= total && acceptor.came[id]?.count ?? 0 >= total
    }
}
