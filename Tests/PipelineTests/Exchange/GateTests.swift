import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPMessages
@testable import Pipeline

/// What gates may do with an exchange, between a source and a sink that write down what reaches them.
@Suite struct GateTests {
    private final class Source: ExchangeSource {
        var status: [Int] = []
        var body = ""
        var ended = false
        var credit = 0
        var fields = HeaderFields()
        override func responseHead(_ head: ResponseHead) {
            status.append(head.status)
            fields = head.fields
        }
        override func responseBody(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
        override func responseEnd(_ trailers: HeaderFields?) { ended = true }
        override func requestCredit(_ bytes: Int) { credit += bytes }
    }

    private final class Sink: ExchangeSink, ExchangePort {
        var exchange: Exchange?
        var body = ""
        var ended = false
        var credit = 0
        var aborted = false
        func open(_ exchange: Exchange) {
            self.exchange = exchange
            exchange.attach(self)
        }
        override func requestBody(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
        override func requestEnd(_ trailers: HeaderFields?) { ended = true }
        override func requestAborted(_ failure: Failure) { aborted = true }
        override func responseCredit(_ bytes: Int) { credit += bytes }
    }

    /// Doubles what passes, both ways.
    private final class Doubling: Gate {
        init() { super.init(interests: [.requestBody, .responseBody]) }
        override func requestBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) { bytes.writeImmutableBuffer(bytes) }
        override func requestEnd(_ tail: inout ByteBuffer, _ exchange: Exchange) { tail.writeString("!") }
        override func responseBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) { bytes.writeImmutableBuffer(bytes) }
    }

    private final class Deciding: Gate {
        let decision: GateDecision
        init(_ decision: GateDecision) {
            self.decision = decision
            super.init(interests: [.requestHead])
        }
        override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
            head.fields.append("X-Seen", "yes")
            return decision
        }
    }

    /// Asks the exchange for everything that it has while it changes heads.
    private final class Curious: Gate {
        var seen: [String] = []
        init() { super.init(interests: [.requestHead, .responseHead]) }
        override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
            head.path = "/changed"
            head.fields.append("X-Seen", exchange.request.path)
            // Changes the head while the exchange's is read.
            head.fields.removeAll { name, _ in exchange.request.fields.isEmpty && name.count == 1 }
            exchange.identity = Identity(name: exchange.request.method, method: "test")
            seen.append(exchange.request.path)
            return .forward
        }
        override func responseHead(_ head: inout ResponseHead, _ exchange: Exchange) -> GateDecision {
            head.fields.append("X-Path", exchange.request.path)
            seen.append("\(exchange.request.path) \(exchange.response == nil) \(exchange.clientName)")
            return .forward
        }
    }

    /// Answers by itself, whatever it says then.
    private final class Answering: Gate {
        init() { super.init(interests: [.requestHead]) }
        override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
            head.path = "/changed"
            exchange.answer(LocalResponse(status: 418, body: exchange.request.path))
            return .forward
        }
    }

    private let loop = EmbeddedEventLoop()
    private let source = Source()
    private let sink = Sink()

    private func exchange() -> Exchange {
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test"))
        let request = RequestHead(method: "POST", scheme: .http, authority: "example.com", path: "/", body: .unknown)
        let client = Inbound(channel: EmbeddedChannel(loop: loop), remote: "test")
        return Exchange(request, from: source, client: client, on: shard)
    }

    @Test func withoutGatesBytesAndCreditPassAsTheyAre() {
        let exchange = exchange()
        exchange.sendRequestBody(ByteBuffer(string: "early "))
        sink.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: "late"))
        exchange.creditRequest(10)
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.sendResponseBody(ByteBuffer(string: "answer"))
        exchange.creditResponse(6)
        exchange.sendRequestEnd()
        exchange.sendResponseEnd()
        #expect(sink.body == "early late")
        #expect(sink.ended && source.ended && exchange.hasEnded)
        #expect(source.body == "answer")
        #expect(source.credit == 10)
        #expect(sink.credit == 6)
        #expect(exchange.shard.openExchanges == 0)
    }

    @Test func aGateMayChangeBodiesAndCreditIsInTheSendersCount() {
        let exchange = exchange()
        exchange.pass(Doubling(), towards: sink)
        exchange.sendRequestBody(ByteBuffer(string: "abc"))
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        exchange.sendResponseBody(ByteBuffer(string: "xy"))
        #expect(sink.body == "abcabc")
        #expect(source.body == "xyxy")
        exchange.creditRequest(4)
        exchange.creditRequest(2)
        #expect(source.credit == 3)
        exchange.creditResponse(4)
        #expect(sink.credit == 2)
        exchange.sendRequestEnd()
        #expect(sink.body == "abcabc!")
    }

    @Test func aGateMayRefuse() {
        let exchange = exchange()
        exchange.pass(Deciding(.refuse(LocalResponse(status: 403, body: "no"))), towards: sink)
        #expect(sink.exchange == nil)
        #expect(source.status == [403])
        #expect(source.body == "no")
        #expect(source.ended && exchange.hasEnded)
    }

    /// Exclusive access to the head that a gate is given must not be access to the exchange's: reading that would end the process.
    @Test func aGateMayAskTheExchangeWhileItChangesAHead() {
        let exchange = exchange()
        let gate = Curious()
        exchange.pass(gate, towards: sink)
        exchange.sendRequestEnd()
        #expect(sink.exchange?.request.path == "/changed")
        #expect(sink.exchange?.request.fields.first("X-Seen") == "/")
        exchange.sendResponseHead(ResponseHead(status: 200))
        exchange.sendResponseEnd()
        #expect(gate.seen == ["/", "/changed true POST"])
        #expect(source.status == [200] && exchange.hasEnded)
    }

    @Test func aGateMayAnswerTheExchangeItself() {
        let exchange = exchange()
        exchange.pass(Answering(), towards: sink)
        #expect(source.status == [418] && source.body == "/" && source.ended)
        #expect(sink.exchange == nil && exchange.shard.openExchanges == 0)
    }

    /// What the last stage answers by itself is the pipeline's response; an answer in place of a response is nobody's but its own.
    @Test func gatesSeeTheAnswerOfAStageAtTheEndAndNoneInPlaceOfOne() {
        let exchange = exchange()
        let gate = Curious()
        exchange.pass(gate, towards: sink)
        exchange.pass(Doubling(), towards: sink)
        exchange.respond(LocalResponse(status: 404, body: "none"))
        #expect(gate.seen == ["/", "/changed true POST"])
        #expect(source.status == [404] && source.fields.first("X-Path") == "/changed" && source.body == "nonenone")
        #expect(source.ended && exchange.hasEnded && sink.aborted && exchange.shard.openExchanges == 0)
        exchange.respond(LocalResponse(status: 200))
        #expect(source.status == [404])

        let other = self.exchange()
        let unasked = Curious()
        other.pass(unasked, towards: sink)
        other.answer(LocalResponse(status: 503, body: "none"))
        #expect(unasked.seen == ["/"])
        #expect(source.status == [404, 503] && source.fields.first("X-Path") == nil)
    }

    @Test func anAnswerAtTheEndWaitsWhereResponsesAreHeld() {
        let exchange = exchange()
        exchange.hold(.response)
        exchange.respond(LocalResponse(status: 200, body: "slow"))
        #expect(source.status.isEmpty && !exchange.hasEnded)
        exchange.release(.response)
        #expect(source.status == [200] && source.body == "slow" && source.ended && exchange.hasEnded)
    }

    @Test func aGateMayWaitAndNothingIsLostMeanwhile() {
        let promise = loop.makePromise(of: GateDecision.self)
        let exchange = exchange()
        exchange.pass(Deciding(.wait(promise.futureResult)), towards: sink)
        exchange.sendRequestBody(ByteBuffer(string: "held"))
        exchange.sendRequestEnd()
        #expect(sink.exchange == nil)
        promise.succeed(.forward)
        loop.run()
        #expect(sink.body == "held")
        #expect(sink.ended)
        #expect(sink.exchange?.request.fields.first("x-seen") == "yes")
    }

    @Test func aSinkThatFailsBeforeTheHeadGivesAnAnswerAndAfterItNone() {
        let early = exchange()
        sink.open(early)
        early.abortResponse(Failure(.timeout, "too slow"))
        #expect(source.status == [504])
        #expect(source.body == "too slow\n(exchange \(early.id))\n")
        let late = exchange()
        sink.open(late)
        late.sendResponseHead(ResponseHead(status: 200, body: .known(9)))
        late.abortResponse(Failure(.originClosed, "gone"))
        #expect(source.status == [504, 200])
        #expect(late.hasEnded)
    }
}
