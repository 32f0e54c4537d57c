import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPMessages
@testable import Pipeline

/// Directions that stages hold: nothing passes, nothing is lost, nothing overtakes.
@Suite struct DirectionHoldTests {
    private final class Source: ExchangeSource {
        var heads: [Int] = []
        var body = ""
        var ended = false
        var aborted: Failure?
        override func responseHead(_ head: ResponseHead) { heads.append(head.status) }
        override func responseBody(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
        override func responseEnd(_ trailers: HeaderFields?) { ended = true }
        override func responseAborted(_ failure: Failure) { aborted = failure }
    }

    private final class Sink: ExchangeSink, ExchangePort {
        var body = ""
        var ended = false
        var aborted: Failure?
        var onBody: (() -> Void)?
        func open(_ exchange: Exchange) { exchange.attach(self) }
        override func requestBody(_ bytes: ByteBuffer) {
            body += String(buffer: bytes)
            onBody?()
        }
        override func requestEnd(_ trailers: HeaderFields?) { ended = true }
        override func requestAborted(_ failure: Failure) { aborted = failure }
    }

    private let loop = EmbeddedEventLoop()
    private let source = Source()
    private let sink = Sink()

    private func exchange(_ kind: RequestKind = .plain) -> Exchange {
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test"))
        let request =
            kind == .tunnel
            ? RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: "example.com:443", path: "")
            : RequestHead(method: "POST", scheme: .http, authority: "example.com", path: "/", body: .unknown)
        let client = Inbound(channel: EmbeddedChannel(loop: loop), remote: "test")
        return Exchange(request, from: source, client: client, on: shard)
    }

    @Test func requestsWaitAndKeepTheirOrder() {
        let exchange = exchange()
        exchange.hold(.request)
        exchange.sendRequestBody(ByteBuffer(string: "a"))
        sink.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: "b"))
        exchange.hold(.request)
        exchange.release(.request)
        #expect(sink.body == "", "held twice, released once")
        // What comes while the held parts pass goes behind them.
        sink.onBody = {
            sink.onBody = nil
            exchange.sendRequestBody(ByteBuffer(string: "c"))
            exchange.sendRequestEnd()
        }
        exchange.release(.request)
        #expect(sink.body == "abc")
        #expect(sink.ended)
    }

    @Test func aGateMayHoldAgainBetweenTwoParts() {
        let exchange = exchange()
        sink.open(exchange)
        // So long that they aren't held together.
        let (first, second) = (String(repeating: "a", count: 5_000), String(repeating: "b", count: 5_000))
        exchange.hold(.request)
        exchange.sendRequestBody(ByteBuffer(string: first))
        exchange.sendRequestBody(ByteBuffer(string: second))
        sink.onBody = { exchange.hold(.request) }
        exchange.release(.request)
        #expect(sink.body == first)
        sink.onBody = nil
        exchange.release(.request)
        #expect(sink.body == first + second)
    }

    @Test func aResponseWaitsAndItsSinkIsDone() {
        let exchange = exchange()
        sink.open(exchange)
        exchange.sendRequestEnd()
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.hold(.response)
        exchange.sendResponseBody(ByteBuffer(string: "answer"))
        exchange.sendResponseEnd()
        #expect(source.body == "" && !source.ended && !exchange.hasEnded)
        // The sink may serve another exchange by now: nothing of this one may reach it, not even that it was given up.
        exchange.creditResponse(6)
        exchange.release(.response)
        #expect(source.body == "answer" && source.ended && exchange.hasEnded)
        #expect(sink.aborted == nil)
    }

    @Test func aClientThatLeavesDoesNotDisturbASinkThatIsDone() {
        let exchange = exchange()
        sink.open(exchange)
        exchange.sendRequestEnd()
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.hold(.response)
        exchange.sendResponseEnd()
        exchange.abortRequest(Failure(.cancelled, "gone"))
        #expect(exchange.hasEnded)
        #expect(sink.aborted == nil)
    }

    @Test func aTunnelsLastBytesPassBeforeItsEndIsTold() {
        let exchange = exchange(.tunnel)
        sink.open(exchange)
        exchange.sendResponseHead(ResponseHead(status: 200))
        exchange.hold(.response)
        exchange.sendResponseBody(ByteBuffer(string: "last"))
        exchange.sendResponseEnd()
        exchange.abortResponse(Failure(.originClosed, "closed"))
        #expect(source.body == "" && source.aborted == nil)
        exchange.release(.response)
        #expect(source.body == "last" && source.ended)
        #expect(source.aborted?.code == .originClosed)
        #expect(exchange.hasEnded)
    }

    @Test func whatIsHeldEndsWithTheExchange() {
        let exchange = exchange()
        sink.open(exchange)
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.hold(.response)
        exchange.sendResponseBody(ByteBuffer(string: "half"))
        exchange.abortResponse(Failure(.originClosed, "closed"))
        #expect(source.aborted?.code == .originClosed)
        exchange.release(.response)
        #expect(source.body == "")
    }
}
