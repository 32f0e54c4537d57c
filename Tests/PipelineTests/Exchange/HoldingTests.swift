import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPMessages
@testable import Pipeline

/// What an exchange holds while it waits, and what is still owed when it is over.
@Suite struct HoldingTests {
    private final class Source: ExchangeSource {
        var late = 0
        override func lateRequestCredit(_ bytes: Int) { late += bytes }
        override var heir: ExchangeSource? { self }
    }

    private final class Sink: ExchangeSink {
        var late = 0
        override func lateResponseCredit(_ bytes: Int) { late += bytes }
        override var heir: ExchangeSink? { self }
    }

    /// Ends that keep their exchange for good, as one would write them first.
    private final class ClingingSource: ExchangeSource { var exchange: Exchange? }
    private final class ClingingSink: ExchangeSink { var exchange: Exchange? }

    private let loop = EmbeddedEventLoop()

    private func exchange(from source: ExchangeSource) -> Exchange {
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test"))
        let request = RequestHead(method: "POST", scheme: .http, authority: "a.test", path: "/", body: .unknown)
        let client = Inbound(channel: EmbeddedChannel(loop: loop), remote: "client")
        return Exchange(request, from: source, client: client, on: shard)
    }

    @Test func smallPiecesAreHeldTogether() {
        var flow = ExchangeFlow()
        for index in 0..<50_000 { flow.hold(.body(ByteBuffer(integer: UInt8(truncatingIfNeeded: index)))) }
        flow.hold(.end(nil))
        var (events, bytes, capacity) = (0, ByteBuffer(), 0)
        while let event = flow.nextHeld() {
            events += 1
            guard case .body(let part) = event else { continue }
            capacity += part.storageCapacity
            bytes.writeImmutableBuffer(part)
        }
        let isInOrder = bytes.readableBytesView.enumerated().allSatisfy { $0.element == UInt8(truncatingIfNeeded: $0.offset) }
        #expect(bytes.readableBytes == 50_000 && isInOrder)
        #expect(events < 10 && capacity <= 100_000)
    }

    @Test func largePiecesAreHeldAsTheyAre() {
        var flow = ExchangeFlow()
        for _ in 0..<4 { flow.hold(.body(ByteBuffer(repeating: 1, count: 8_192))) }
        var events = 0
        while flow.nextHeld() != nil { events += 1 }
        #expect(events == 4)
    }

    /// A client may not have read them, and the sink accounts for them until it has.
    @Test func informationalHeadsOutliveAnAbort() {
        weak var sink: Sink?
        var exchange: Exchange? = exchange(from: Source())
        do {
            let made = Sink()
            sink = made
            exchange?.attach(made)
        }
        exchange?.sendResponseHead(ResponseHead(status: 103, body: .none))
        exchange?.abortResponse(Failure(.excessive, "too many heads"))
        #expect(exchange?.hasEnded == true && sink != nil)
        exchange = nil
        #expect(sink == nil)
    }

    /// Who has been given bytes may take its time, beyond the exchange's end.
    @Test func creditAfterTheEnd() {
        let (source, sink) = (Source(), Sink())
        let exchange = exchange(from: source)
        exchange.attach(sink)
        exchange.sendRequestBody(ByteBuffer(string: "question"))
        exchange.sendRequestEnd()
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.sendResponseBody(ByteBuffer(string: "answer"))
        exchange.sendResponseEnd()
        #expect(exchange.hasEnded)
        exchange.creditRequest(8)
        exchange.creditResponse(6)
        #expect(source.late == 8 && sink.late == 6)
    }

    /// Ends and exchange don't hold each other once it is over.
    @Test(arguments: [true, false])
    func anExchangeThatIsOverIsForgottenWhateverItsEndsKeep(_ isAborted: Bool) {
        weak var exchange: Exchange?
        do {
            let (source, sink) = (ClingingSource(), ClingingSink())
            let strong = self.exchange(from: source)
            exchange = strong
            (source.exchange, sink.exchange) = (strong, strong)
            strong.attach(sink)
            strong.sendResponseHead(ResponseHead(status: 200, body: .unknown))
            if isAborted { strong.abortRequest(Failure(.cancelled, "gone")) }
            strong.sendResponseEnd()
            #expect(strong.hasEnded)
        }
        #expect(exchange == nil)
    }

    /// When nobody holds an exchange, nobody holds anything of it: its ends are let go, and can settle.
    @Test func endsAreLetGoWithTheExchange() {
        weak var source: Source?
        do {
            let strong = Source()
            source = strong
            var held: Exchange? = exchange(from: strong)
            held?.attach(Sink())
            held?.sendRequestBody(ByteBuffer(string: "question"))
            held?.abortRequest(Failure(.cancelled, "gone"))
            #expect(held?.hasEnded == true)
            held = nil
        }
        #expect(source == nil)
    }
}
