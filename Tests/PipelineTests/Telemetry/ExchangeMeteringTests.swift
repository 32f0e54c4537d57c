import Instruments
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPMessages
@testable import Pipeline

/// What is counted of exchanges at every stage, without any stage doing anything for it.
@Suite struct ExchangeMeteringTests {
    private final class Deciding: Gate {
        let request: GateDecision
        let response: GateDecision
        init(request: GateDecision = .forward, response: GateDecision = .forward) {
            self.request = request
            self.response = response
            super.init(interests: [.requestHead, .responseHead])
        }
        override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision { request }
        override func responseHead(_ head: inout ResponseHead, _ exchange: Exchange) -> GateDecision { response }
    }

    /// Makes bodies twice as long towards the sink, and halves them on their way back.
    private final class Doubling: Gate {
        init() { super.init(interests: [.requestBody, .responseBody]) }
        override func requestBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) { bytes.writeImmutableBuffer(bytes) }
        override func responseBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) {
            bytes = bytes.getSlice(at: bytes.readerIndex, length: bytes.readableBytes / 2) ?? bytes
        }
    }

    private static let into = "fluidity_stage_exchanges_in_total"
    private static let out = "fluidity_stage_exchanges_out_total"
    private static let ended = "fluidity_stage_exchanges_ended_total"
    private static let open = "fluidity_stage_exchanges_open"

    @Test func exchangesAreCountedWhereTheyAreAndWhereTheyEnd() throws {
        let pipeline = try MeteredPipeline([
            ("pass", .init { _ in nil }),
            ("judge", .init { $0.request.path == "/no" ? Deciding(request: .refuse(.init(status: 403))) : nil }),
        ])
        for _ in 0..<3 { pipeline.complete(pipeline.begin(), request: 10, response: 100) }
        _ = pipeline.begin(path: "/no")
        let failing = pipeline.begin()
        let leaving = pipeline.begin()
        let staying = pipeline.begin()
        #expect(pipeline.number(Self.open, at: 4) == 3)
        failing.abortResponse(Failure(.timeout, "too slow"))
        leaving.abortRequest(Failure(.cancelled, "gone"))
        // Place 1 is the source, which takes no exchanges; 2 and 3 are the filters, 4 is the sink.
        #expect((1...4).map { pipeline.number(Self.into, at: $0) } == [0, 7, 7, 6])
        #expect((1...4).map { pipeline.number(Self.out, at: $0) } == [0, 7, 6, 0])
        #expect((1...4).map { pipeline.number(Self.open, at: $0) } == [0, 1, 1, 1])
        #expect(pipeline.number(Self.ended, at: 4, outcome: "completed") == 3)
        #expect(pipeline.number(Self.ended, at: 3, outcome: "refused") == 1)
        #expect(pipeline.number(Self.ended, at: 4, outcome: "failed") == 1)
        #expect(pipeline.number(Self.ended, at: 4, outcome: "cancelled") == 1)
        #expect((2...4).map { pipeline.number(Self.ended, at: $0) } == [0, 1, 5])
        // One observation for each stage that was left, in one way or the other.
        #expect((2...4).map { pipeline.number("fluidity_stage_time_seconds", at: $0) } == [7, 7, 5])
        pipeline.complete(staying)
        #expect((2...4).map { pipeline.number(Self.open, at: $0) } == [0, 0, 0])
        #expect(pipeline.shard.openExchanges == 0)
    }

    @Test func theStageThatRefusesAResponseIsKnown() throws {
        let pipeline = try MeteredPipeline([
            ("first", .init { _ in Deciding(response: .refuse(.init(status: 502))) }), ("second", .init { _ in nil }),
        ])
        let source = MeteredPipeline.Source()
        pipeline.complete(pipeline.begin(source))
        #expect(source.status == [502])
        #expect((2...4).map { pipeline.number(Self.ended, at: $0, outcome: "refused") } == [1, 0, 0])
        #expect((2...4).map { pipeline.number(Self.open, at: $0) } == [0, 0, 0])
    }

    @Test func aDecisionThatIsAwaitedIsCountedAtItsStage() throws {
        let promise = MeteredPipeline.Promises()
        let pipeline = try MeteredPipeline([
            ("wait", .init { promise.gate(on: $0.shard.loop) }), ("after", .init { _ in nil }),
        ])
        let exchange = pipeline.begin()
        #expect(pipeline.number(Self.into, at: 2) == 1)
        #expect(pipeline.number(Self.into, at: 3) == 0)
        exchange.abortRequest(Failure(.cancelled, "gone"))
        #expect(pipeline.number(Self.ended, at: 2, outcome: "cancelled") == 1)
        promise.all.first?.succeed(.forward)
        pipeline.loop.run()
        #expect(pipeline.number(Self.into, at: 3) == 0)
    }

    @Test func bytesAreThoseOfTheStagesOwnPlace() throws {
        let pipeline = try MeteredPipeline([
            ("before", .init { _ in nil }), ("double", .init { _ in Doubling() }), ("after", .init { _ in nil }),
        ])
        let exchange = pipeline.begin()
        exchange.sendRequestBody(ByteBuffer(repeating: 0x61, count: 10))
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.sendResponseBody(ByteBuffer(repeating: 0x62, count: 100))
        let request = "fluidity_stage_request_bytes_total"
        let response = "fluidity_stage_response_bytes_total"
        // While it is open, and without counting anything twice.
        for _ in 0..<2 {
            #expect((2...5).map { pipeline.number(request, at: $0) } == [10, 10, 20, 20])
            #expect((2...5).map { pipeline.number(response, at: $0) } == [50, 50, 100, 100])
        }
        pipeline.complete(exchange, request: 5, response: 8)
        #expect((2...5).map { pipeline.number(request, at: $0) } == [15, 15, 30, 30])
        #expect((2...5).map { pipeline.number(response, at: $0) } == [54, 54, 108, 108])
    }

    @Test func anExchangeThatIsSentOnAgainIsOpenOnce() throws {
        let pipeline = try MeteredPipeline([("first", .init { _ in nil }), ("second", .init { _ in nil })])
        let exchange = pipeline.begin()
        pipeline.wiring.first?.open(exchange)
        #expect((2...4).map { pipeline.number(Self.into, at: $0) } == [2, 2, 2])
        #expect((2...4).map { pipeline.number(Self.open, at: $0) } == [1, 1, 1])
        pipeline.complete(exchange)
        #expect((2...4).map { pipeline.number(Self.open, at: $0) } == [0, 0, 0])
        #expect(pipeline.number(Self.ended, at: 4) == 1)
    }

    @Test func totalsAddUp() throws {
        let pipeline = try MeteredPipeline([
            ("judge", .init { $0.request.path == "/no" ? Deciding(request: .refuse(.init(status: 429))) : nil })
        ])
        for _ in 0..<4 { pipeline.complete(pipeline.begin(), request: 1, response: 2) }
        for _ in 0..<2 { _ = pipeline.begin(path: "/no") }
        let lost = pipeline.begin()
        lost.abortResponse(Failure(.unreachable, "nobody there"))
        let snapshot = pipeline.shard.readMetrics()
        #expect(snapshot["fluidity_exchanges_begun_total"] == .counter(7))
        #expect(snapshot["fluidity_exchanges_open"] == .gauge(0))
        #expect(snapshot.sum("fluidity_exchanges_ended_total") == 7)
        #expect(snapshot.sum("fluidity_exchanges_ended_total", .init("outcome", "refused")) == 2)
        #expect(snapshot.sum("fluidity_exchange_failures_total", .init("reason", "unreachable")) == 1)
        #expect(snapshot["fluidity_exchange_request_bytes_total"] == .counter(4))
        let activity = Activity(snapshot, lastActivity: 0)
        #expect(activity.failures == 1)
        #expect(activity.relayedBytes == 4 + 8 + lost.responseBytes && lost.responseBytes > 12)
    }

    @Test func anExchangeThatBothEndsForgotIsNotOpen() throws {
        let pipeline = try MeteredPipeline([])
        _ = pipeline.begin()
        #expect(pipeline.shard.openExchanges == 1)
        pipeline.wiring.exchanges = []
        pipeline.wiring.sinks = []
        #expect(pipeline.shard.openExchanges == 0)
    }
}

extension MeteredPipeline {
    /// Gates that wait for what the test decides. Unchecked, for it is only used on the test's one thread.
    final class Promises: @unchecked Sendable {
        var all: [EventLoopPromise<GateDecision>] = []

        func gate(on loop: any EventLoop) -> Gate {
            let promise = loop.makePromise(of: GateDecision.self)
            all.append(promise)
            return Waiting(promise.futureResult)
        }

        private final class Waiting: Gate {
            let decision: EventLoopFuture<GateDecision>
            init(_ decision: EventLoopFuture<GateDecision>) {
                self.decision = decision
                super.init(interests: .requestHead)
            }
            override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision { .wait(decision) }
        }
    }
}
