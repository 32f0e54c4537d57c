import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// One exchange under limits of bytes or of exchanges that are open.
final class RateLimitGate: Gate {
    private let open: (counts: OpenCounts, key: UInt64)?
    private let download: PacedDirection?
    private let upload: PacedDirection?

    init(open: (counts: OpenCounts, key: UInt64)?, download: PacedDirection?, upload: PacedDirection?) {
        self.open = open
        self.download = download
        self.upload = upload
        var interests: GateInterests = []
        if open != nil { interests.insert(.end) }
        if download != nil { interests.formUnion([.responseHead, .responseBody, .end]) }
        if upload != nil { interests.formUnion([.requestHead, .requestBody, .end]) }
        super.init(interests: interests)
    }

    override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
        if head.kind != .plain || head.body != .none { upload?.begin(exchange, self) }
        return .forward
    }

    override func requestBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) {
        upload?.passed(bytes.readableBytes, exchange, self)
    }

    override func responseHead(_ head: inout ResponseHead, _ exchange: Exchange) -> GateDecision {
        let hasBytes = head.opensTunnel(for: exchange.request) || !head.isBodyless(for: exchange.request)
        if !head.isInformational, hasBytes { download?.begin(exchange, self) }
        return .forward
    }

    override func responseBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) {
        download?.passed(bytes.readableBytes, exchange, self)
    }

    override func ended(_ exchange: Exchange) {
        if let open { open.counts.leave(open.key) }
        download?.end(exchange)
        upload?.end(exchange)
    }
}

/// One direction of an exchange whose bytes are limited. A quantum is paid for before the first byte; what passes beyond it is
/// paid for when it has come to a quantum, and what is left of either when the exchange ends. While something isn't paid for
/// yet, the direction is held, and the sender stops for want of credit.
final class PacedDirection {
    private let direction: Direction
    private let limit: ByteLimit
    private let key: UInt64
    private let delays: Counter
    /// Counts delays and makes none.
    private let observes: Bool
    /// Bytes that were paid for and have not passed; below zero, bytes that have passed and are still to be paid for.
    private var balance = 0
    private var timer: Scheduled<Void>?

    init(_ direction: Direction, _ limit: ByteLimit, _ key: UInt64, _ delays: Counter, observes: Bool) {
        self.observes = observes
        self.direction = direction
        self.limit = limit
        self.key = key
        self.delays = delays
    }

    /// Before the first byte.
    func begin(_ exchange: Exchange, _ gate: Gate) { pay(limit.quantum, exchange, gate) }

    func passed(_ bytes: Int, _ exchange: Exchange, _ gate: Gate) {
        balance -= bytes
        if -balance >= limit.quantum { pay(-balance, exchange, gate) }
    }

    func end(_ exchange: Exchange) {
        timer?.cancel()
        timer = nil
        let now = exchange.shard.loop.now
        if balance > 0 { limit.giveBack(balance, key, now: now) }
        if balance < 0 { _ = limit.reserve(-balance, key, now: now) }
        balance = 0
    }

    private func pay(_ bytes: Int, _ exchange: Exchange, _ gate: Gate) {
        let loop = exchange.shard.loop
        let now = loop.now
        let ready = limit.reserve(bytes, key, now: now)
        balance += bytes
        // Where it waits already, what is held will be paid for in its turn.
        guard ready > now, timer == nil else { return }
        delays.add()
        guard !observes else {
            // What isn't waited for would be owed for ever.
            limit.giveBack(bytes, key, now: now)
            return exchange.leave(Verdict(.passed, note: "bytes would be delayed"), by: gate)
        }
        exchange.leave(Verdict(.delayed, note: "bytes wait for their turn"), by: gate)
        exchange.hold(direction)
        timer = loop.assumeIsolated().scheduleTask(deadline: ready) {
            self.timer = nil
            exchange.release(self.direction)
        }
    }
}
