import HTTPMessages
import NIOCore
import Pipeline
import Rehearsal
import Synchronization

/// The beginning of a list in a program that sends some requests of its own.
struct ProbeStage: Stage {
    typealias Input = Start
    typealias Output = Exchange

    let probe: Probe

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws {
        probe.begin(downstream, shard)
    }
}

/// Sends requests through whatever stands behind a `ProbeStage`.
final class Probe: Sendable {
    /// What came of one request.
    struct Outcome: Sendable {
        var status: Int?
        var failure: String?
        /// Until the head was there.
        var time: Duration = .zero
        /// Of the response's body, or of the request's that were passed on.
        var bytes = 0
        /// How long those took.
        var bytesTime: Duration = .zero
    }

    private struct End {
        let port: any ExchangePort
        let shard: Shard
    }

    private let end = Mutex<NIOLoopBound<End>?>(nil)

    fileprivate func begin(_ port: any ExchangePort, _ shard: Shard) {
        let bound = NIOLoopBound(End(port: port, shard: shard), eventLoop: shard.loop)
        end.withLock { $0 = bound }
    }

    /// One request.
    ///
    /// - Parameters:
    ///   - sending: Whether the request has a body, as much as can be sent in `seconds`.
    ///   - seconds: How long bodies are read or sent; nil for no longer than the response's head takes.
    func ask(
        _ head: RequestHead, sending: Bool = false, for seconds: Duration? = nil, within limit: Duration
    ) async throws -> Outcome {
        guard let end = end.withLock({ $0 }) else { return Outcome(failure: "there is nothing behind it") }
        let loop = end.eventLoop
        let unused = try await UnusedChannel.open(on: loop)
        let promise = loop.makePromise(of: Outcome.self)
        let channel = unused.channel
        loop.execute {
            let side = ProbeSide(promise, sends: sending, lasts: seconds)
            side.begin(head, Inbound(channel: channel, remote: "doctor"), end.value.port, end.value.shard, limit)
        }
        let outcome = try await promise.futureResult.get()
        await unused.close()
        return outcome
    }
}

/// The client's side of one request.
private final class ProbeSide: ExchangeSource {
    /// How much of a body may be on its way.
    private static let window = 1 << 20
    private static let piece = 64 << 10

    private let promise: EventLoopPromise<Probe.Outcome>
    private let sends: Bool
    private let lasts: Duration?
    private var exchange: Exchange?
    private var outcome = Probe.Outcome()
    private var began = NIODeadline.now()
    private var isOver = false

    init(_ promise: EventLoopPromise<Probe.Outcome>, sends: Bool, lasts: Duration?) {
        self.promise = promise
        self.sends = sends
        self.lasts = lasts
    }

    func begin(_ head: RequestHead, _ inbound: Inbound, _ port: any ExchangePort, _ shard: Shard, _ limit: Duration) {
        let exchange = Exchange(head, from: self, client: inbound, on: shard)
        self.exchange = exchange
        began = .now()
        port.open(exchange)
        if sends {
            send(Self.window)
            schedule(shard, lasts ?? limit) { self.finish() }
        } else {
            exchange.sendRequestEnd()
        }
        schedule(shard, limit) { self.finish(failing: "no answer came in \(limit.rounded)") }
    }

    private func schedule(_ shard: Shard, _ time: Duration, _ body: @escaping () -> Void) {
        shard.loop.assumeIsolated().scheduleTask(in: TimeAmount(time), body)
    }

    private func send(_ count: Int) {
        guard !isOver, let exchange else { return }
        for _ in 0..<max(1, count / Self.piece) { exchange.sendRequestBody(ByteBuffer(repeating: 0x55, count: Self.piece)) }
        exchange.flushRequest()
    }

    override func requestCredit(_ bytes: Int) {
        guard sends, !isOver else { return }
        outcome.bytes += bytes
        outcome.bytesTime = .nanoseconds((.now() - began).nanoseconds)
        pending += bytes
        guard pending >= Self.piece else { return }
        send(pending)
        pending %= Self.piece
    }

    private var pending = 0

    override func responseHead(_ head: ResponseHead) {
        guard !head.isInformational, !isOver else { return }
        outcome.status = head.status
        outcome.time = .nanoseconds((.now() - began).nanoseconds)
        // An answer to what isn't sent yet: nobody reads on.
        guard let lasts, !sends else { return finish() }
        began = .now()
        if let shard = exchange?.shard { schedule(shard, lasts) { self.finish() } }
    }

    override func responseBody(_ bytes: ByteBuffer) {
        outcome.bytes += bytes.readableBytes
        outcome.bytesTime = .nanoseconds((.now() - began).nanoseconds)
        exchange?.creditResponse(bytes.readableBytes)
    }

    override func responseEnd(_ trailers: HeaderFields?) { finish() }
    override func responseAborted(_ failure: Failure) { finish(failing: failure.message) }

    private func finish(failing failure: String? = nil) {
        guard !isOver else { return }
        isOver = true
        if outcome.status == nil, !(sends && outcome.bytes > 0) { outcome.failure = failure ?? "no answer came" }
        if let exchange, !exchange.hasEnded { exchange.abortRequest(Failure(.cancelled, "enough was seen")) }
        exchange = nil
        promise.succeed(outcome)
    }
}
