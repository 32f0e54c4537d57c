import ConfigurationLanguage
import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import Filters
@testable import Platform

/// Attempts, what is sent again, and what isn't; waits are on the embedded loop's clock.
@Suite struct RetryTests {
    private let bench = ExchangeBench()

    private func port(_ change: (inout RetryConfiguration) -> Void = { _ in }) throws -> any ExchangePort {
        var configuration = RetryConfiguration()
        change(&configuration)
        return try RetryStage(configuration: configuration).assemble(bench.end, on: bench.shard)
    }

    /// Longer than any wait before an attempt with the default settings.
    private func wait() { bench.loop.advanceTime(by: .seconds(3)) }

    @Test func aRequestIsSentAgainWithItsBodyAndTrailers() throws {
        let port = try port()
        let (exchange, source) = bench.exchange("PUT", body: .unknown)
        exchange.sendRequestBody(ByteBuffer(string: "early "))
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: "late"))
        bench.end.opened[0].answer(503, "try again")
        #expect(source.heads.isEmpty && bench.end.opened.count == 1)
        #expect(bench.end.opened[0].failure?.code == .cancelled)
        exchange.sendRequestBody(ByteBuffer(string: " meanwhile"))
        exchange.sendRequestEnd(HeaderFields([("Sum", "1")]))
        wait()
        let second = try #require(bench.end.opened.dropFirst().first)
        #expect(second.text == "early late meanwhile")
        #expect(second.hasEnded && second.trailers?.first("Sum") == "1")
        second.answer(200, "done")
        #expect(source.statuses == [200] && source.text == "done" && source.hasEnded)
        #expect(source.credit == 20, "each byte earns credit once")
        #expect(exchange.hasEnded && exchange.failure == nil)
        #expect(bench.shard.openExchanges == 0)
        #expect(bench.counter("fluidity_retry_attempts_total") == 1)
    }

    @Test(arguments: ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "SOMETHING"])
    func onlyIdempotentMethods(_ method: String) throws {
        let port = try port()
        let (exchange, source) = bench.exchange(method)
        exchange.sendRequestEnd()
        port.open(exchange)
        bench.end.opened[0].answer(502)
        wait()
        let isIdempotent = !["POST", "PATCH", "SOMETHING"].contains(method)
        #expect(bench.end.opened.count == (isIdempotent ? 2 : 1))
        #expect(source.statuses == (isIdempotent ? [] : [502]))
    }

    @Test(arguments: [RequestKind.tunnel, .upgrade]) func tunnelsPassUntouched(_ kind: RequestKind) throws {
        let port = try port()
        let (exchange, source) = bench.exchange(kind == .tunnel ? "CONNECT" : "GET", "example.com:443", kind: kind)
        port.open(exchange)
        #expect(bench.end.opened[0].exchange === exchange)
        bench.end.opened[0].exchange.abortResponse(Failure(.unreachable, "no"))
        wait()
        #expect(bench.end.opened.count == 1 && source.statuses == [502])
    }

    /// A status, a Retry-After, and whether the request is sent again.
    @Test(arguments: [
        (502, nil, true), (503, nil, true), (504, nil, true), (500, nil, false), (404, nil, false), (200, nil, false),
        (503, "0", true), (503, "2", true), (503, "3", false), (503, "Tue, 24 Nov 2026 12:00:00 GMT", false), (503, "-1", false),
    ]) func statuses(_ status: Int, _ retryAfter: String?, _ again: Bool) throws {
        let port = try port()
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        bench.end.opened[0].answer(status, "x", retryAfter.map { [("Retry-After", $0)] } ?? [])
        if retryAfter == "2" {
            bench.loop.advanceTime(by: .milliseconds(1_999))
            #expect(bench.end.opened.count == 1, "not before the time that was asked for")
        }
        wait()
        #expect(bench.end.opened.count == (again ? 2 : 1))
        #expect(source.statuses == (again ? [] : [status]))
    }

    @Test(arguments: [
        (Failure.Code.unreachable, true), (.connectionRefused, true), (.timeout, true), (.originClosed, true), (.tunnelLost, true),
        (.nameNotResolved, true),
        (.forbidden, false), (.badRequest, false), (.originInvalid, false), (.internalError, false),
    ]) func failures(_ code: Failure.Code, _ again: Bool) throws {
        let port = try port()
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        bench.end.opened[0].exchange.abortResponse(Failure(code, "it failed"))
        wait()
        #expect(bench.end.opened.count == (again ? 2 : 1))
        guard again else {
            #expect(source.text.hasPrefix("it failed\n"))
            #expect(exchange.failure?.code == code, "the log says why")
            return
        }
        bench.end.opened[1].answer(200)
        #expect(source.statuses == [200] && exchange.failure == nil)
    }

    @Test func theLastAttemptsAnswerIsTheAnswer() throws {
        let port = try port { $0.attempts = 3 }
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        for number in 1...3 {
            bench.end.last?.answer(503, "answer \(number)")
            wait()
        }
        #expect(bench.end.opened.count == 3)
        #expect(source.statuses == [503] && source.text == "answer 3" && source.hasEnded)
        #expect(bench.counter("fluidity_retry_exhausted_total") == 1)
    }

    @Test func nothingIsSentAgainOnceAHeadHasPassed() throws {
        let port = try port()
        let (exchange, source) = bench.exchange("PUT", body: .known(4))
        port.open(exchange)
        bench.end.opened[0].exchange.sendResponseHead(ResponseHead(status: 100))
        bench.end.opened[0].answer(503)
        #expect(source.statuses == [100, 503], "an informational head is one")
        let (second, other) = bench.exchange()
        second.sendRequestEnd()
        port.open(second)
        bench.end.opened[1].exchange.sendResponseHead(ResponseHead(status: 200, body: .known(10)))
        bench.end.opened[1].exchange.abortResponse(Failure(.originClosed, "gone"))
        wait()
        #expect(other.statuses == [200] && other.failure?.code == .originClosed)
        #expect(bench.end.opened.count == 2)
    }

    @Test func aBodyBeyondTheBoundIsSentOnce() throws {
        let port = try port { $0.body = ByteCount(10) }
        for (size, attempts) in [(10, 2), (11, 1)] {
            let before = bench.end.opened.count
            let (exchange, source) = bench.exchange("PUT", body: .known(Int64(size)))
            port.open(exchange)
            exchange.sendRequestBody(ByteBuffer(repeating: 1, count: size))
            exchange.sendRequestEnd()
            bench.end.last?.answer(503)
            wait()
            #expect(bench.end.opened.count - before == attempts, "\(size) bytes")
            #expect(source.statuses == (attempts == 1 ? [503] : []))
            exchange.abortRequest(Failure(.cancelled, "over"))
        }
    }

    @Test func whatComesBetweenTwoAttemptsIsSentEvenBeyondTheBound() throws {
        let port = try port { $0.body = ByteCount(10) }
        let (exchange, source) = bench.exchange("PUT", body: .unknown)
        port.open(exchange)
        bench.end.opened[0].answer(503)
        exchange.sendRequestBody(ByteBuffer(repeating: 1, count: 30))
        wait()
        #expect(bench.end.opened[1].body.readableBytes == 30)
        bench.end.opened[1].answer(503)
        wait()
        #expect(bench.end.opened.count == 2 && source.statuses == [503], "but not a third time")
    }

    @Test func aClientThatLeavesEndsTheAttemptAndTheWait() throws {
        let port = try port()
        let (first, _) = bench.exchange()
        port.open(first)
        first.abortRequest(Failure(.cancelled, "gone"))
        #expect(bench.end.opened[0].failure?.message == "gone")
        let (second, _) = bench.exchange()
        port.open(second)
        bench.end.opened[1].answer(503)
        second.abortRequest(Failure(.cancelled, "gone"))
        wait()
        #expect(bench.end.opened.count == 2)
        #expect(bench.shard.openExchanges == 0)
    }

    @Test func theResponseIsCreditedAndPausedByTheClient() throws {
        let port = try port()
        let (exchange, source) = bench.exchange()
        source.creditsAtOnce = false
        exchange.sendRequestEnd()
        port.open(exchange)
        let sink = bench.end.opened[0]
        sink.exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        sink.exchange.sendResponseBody(ByteBuffer(string: "hello"))
        #expect(sink.credit == 0 && sink.exchange.acceptsResponse)
        source.accepts = false
        #expect(!sink.exchange.acceptsResponse)
        exchange.creditResponse(5)
        exchange.regulateResponse()
        #expect(sink.credit == 5 && sink.resumed == 1)
        exchange.flushRequest()
        sink.exchange.flushResponse()
        #expect(sink.flushes > 0 && source.flushes > 0)
    }

    @Test func anIdentityFoundInAnAttemptIsTheExchanges() throws {
        let port = try port()
        let (exchange, _) = bench.exchange()
        port.open(exchange)
        bench.end.opened[0].exchange.identity = Identity(name: "ada", method: "basic")
        #expect(exchange.identity?.name == "ada")
        #expect(bench.end.opened[0].exchange.id == exchange.id)
    }

    @Test func theBudgetIsAShareOfRequestsAndABurst() {
        var budget = RetryBudget(ratio: 0.1, burst: 2)
        func withdrawals() -> Int {
            var count = 0
            while budget.withdraw() { count += 1 }
            return count
        }
        #expect(withdrawals() == 2, "the burst")
        for _ in 0..<9 { budget.request() }
        #expect(withdrawals() == 0)
        budget.request()
        #expect(withdrawals() == 1, "ten requests pay for one retry")
        for _ in 0..<1_000 { budget.request() }
        #expect(withdrawals() == 2, "no more than the burst is saved")
    }

    @Test func withoutABudgetTheFirstAnswerIsTheAnswer() throws {
        let port = try port {
            $0.ratio = 0
            $0.burst = 1
        }
        for expected in [2, 1] {
            let before = bench.end.opened.count
            let (exchange, _) = bench.exchange()
            exchange.sendRequestEnd()
            port.open(exchange)
            bench.end.last?.answer(503)
            wait()
            #expect(bench.end.opened.count - before == expected)
        }
        #expect(bench.counter("fluidity_retry_unaffordable_total") == 1)
    }

    @Test func waitsDoubleAndVaryWithinBounds() {
        var generator = SeededGenerator(1)
        var seen: Set<Int64> = []
        for _ in 0..<50 {
            var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
            for ceiling in [50, 100, 200, 400, 800, 1_600, 2_000, 2_000] as [Int64] {
                let wait = backoff.next(using: &generator).nanoseconds
                #expect((ceiling * 500_000...ceiling * 1_000_000).contains(wait))
                seen.insert(wait)
            }
        }
        #expect(seen.count > 300, "they vary")
    }
}
