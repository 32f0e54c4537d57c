import ConfigurationLanguage
import HTTPMessages
import NIOCore
import Pipeline
import Testing

@testable import Filters

/// The fixed answer to each kind of request.
@Suite struct RespondTests {
    private let bench = ExchangeBench()

    private func port(_ change: (inout RespondConfiguration) -> Void = { _ in }) throws -> any ExchangePort {
        var configuration = RespondConfiguration()
        change(&configuration)
        return try RespondStage(configuration: configuration).assemble((), on: bench.shard)
    }

    @Test func answersWhenTheRequestIsComplete() throws {
        let port = try port {
            $0.status = 202
            $0.body = "taken\n"
            $0.fields = FieldList(HeaderFields([("X-Answer", "fixed")]))
        }
        let (exchange, source) = bench.exchange("POST", body: .known(5))
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: "12345"))
        #expect(source.heads.isEmpty && source.credit == 5, "the body is read and dropped")
        exchange.sendRequestEnd()
        #expect(source.statuses == [202] && source.text == "taken\n" && source.hasEnded)
        #expect(source.heads[0].fields.first("x-answer") == "fixed")
        #expect(source.heads[0].fields.first("content-type") == "text/plain; charset=utf-8")
        #expect(source.heads[0].body == .known(6))
        #expect(exchange.hasEnded && bench.counter("fluidity_respond_answers_total") == 1)
    }

    @Test func aTypeThatIsGivenIsKept() throws {
        let port = try port {
            $0.body = "{}"
            $0.fields = FieldList(HeaderFields([("content-type", "application/json")]))
        }
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        #expect(source.heads[0].fields["Content-Type"] == ["application/json"])
    }

    @Test func headGetsTheLengthAndNoBody() throws {
        let port = try port { $0.body = "hello" }
        let (exchange, source) = bench.exchange("HEAD")
        exchange.sendRequestEnd()
        port.open(exchange)
        #expect(source.heads[0].body == .known(5) && source.body.readableBytes == 0 && source.hasEnded)
    }

    @Test func connectIsNotOpened() throws {
        for (status, expected) in [(200, 405), (503, 503)] {
            let port = try port { $0.status = status }
            let (exchange, source) = bench.exchange("CONNECT", "example.com:443", kind: .tunnel)
            port.open(exchange)
            #expect(source.statuses == [expected] && exchange.hasEnded)
        }
    }

    @Test func whoWaitsForAWordBeforeTheBodyGetsTheAnswer() throws {
        let port = try port()
        let (exchange, source) = bench.exchange("PUT", body: .known(5), [("Expect", "100-continue")])
        port.open(exchange)
        #expect(source.statuses == [200] && exchange.hasEnded)
        let (upgrade, other) = bench.exchange(kind: .upgrade)
        port.open(upgrade)
        #expect(other.statuses == [200] && other.hasEnded)
    }
}
