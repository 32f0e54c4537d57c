import HTTPMessages
import NIOCore
import Pipeline
import Testing

@testable import Filters

/// The breaker's states under a controlled clock, its table of origins, and what exchanges make of it.
@Suite struct CircuitBreakerTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private static let rules = CircuitBreaker.Rules(
        rate: 0.5, minimum: 4, window: .seconds(10), pause: .seconds(5), probes: 2)

    /// A breaker and its clock.
    private final class Bench {
        var rules = CircuitBreakerTests.rules
        var now = CircuitBreakerTests.start
        var breaker = CircuitBreaker(window: CircuitBreakerTests.rules.window, now: CircuitBreakerTests.start)

        func pass() -> CircuitBreaker.Ticket? {
            guard case .pass(let ticket) = breaker.admit(rules, now: now) else { return nil }
            return ticket
        }

        func run(_ outcomes: String) {
            for outcome in outcomes {
                if let ticket = pass() { record(outcome, ticket) } else { Issue.record("'\(outcome)' was refused") }
            }
        }

        func record(_ outcome: Character, _ ticket: CircuitBreaker.Ticket) {
            breaker.record(outcome == "+" ? .success : outcome == "-" ? .failure : .neutral, ticket, rules, now: now)
        }

        func wait(_ time: TimeAmount) { now = now + time }

        var isOpen: Bool { if case .open = breaker.state { true } else { false } }
    }

    /// Outcomes in order, `+`, `-` and `.` for one that says nothing; whether they open the circuit, and not before the last.
    @Test(arguments: [
        ("----", true), ("++--", true), ("+-+-", true), ("---", false), ("+++-", false), ("-+++", false), ("....----", true),
        ("++++----", true), ("---....", false), ("+++++--", false),
    ]) func opensByRateAboveAMinimum(_ outcomes: String, _ opens: Bool) {
        let bench = Bench()
        bench.run(String(outcomes.dropLast()))
        #expect(!bench.isOpen)
        bench.run(String(outcomes.suffix(1)))
        #expect(bench.isOpen == opens)
    }

    @Test func whatIsOlderThanTheWindowCountsNoLonger() {
        let bench = Bench()
        bench.run("---")
        bench.wait(.seconds(11))
        bench.run("---")
        #expect(!bench.isOpen)
        bench.wait(.seconds(5))
        bench.run("-")
        #expect(bench.isOpen)
    }

    @Test func openRefusesUntilItsTimeAndSaysHowLong() {
        let bench = Bench()
        bench.run("----")
        bench.wait(.seconds(2))
        #expect(bench.breaker.admit(bench.rules, now: bench.now) == .refuse(retryAfter: .seconds(3)))
        bench.wait(.seconds(3) - .nanoseconds(1))
        #expect(bench.breaker.admit(bench.rules, now: bench.now) == .refuse(retryAfter: .nanoseconds(1)))
        bench.wait(.nanoseconds(1))
        #expect(bench.pass() != nil)
    }

    @Test func halfOpenLetsProbesThroughAndClosesWhenAllSucceed() throws {
        let bench = Bench()
        bench.run("----")
        bench.wait(.seconds(5))
        let first = try #require(bench.pass())
        let second = try #require(bench.pass())
        #expect(bench.pass() == nil, "a third probe")
        bench.record("+", first)
        #expect(bench.breaker.state == .halfOpen(probing: 1, succeeded: 1))
        #expect(bench.pass() == nil, "as many probes as are wanted have been sent")
        bench.record("+", second)
        #expect(bench.breaker.state == .closed)
        bench.run("---")
        #expect(bench.breaker.state == .closed, "what was before the pause no longer counts")
    }

    @Test func aFailedProbeOpensAgainAndOneThatSaysNothingGivesItsPlaceBack() throws {
        let bench = Bench()
        bench.run("----")
        bench.wait(.seconds(5))
        bench.run(".")
        #expect(bench.breaker.state == .halfOpen(probing: 0, succeeded: 0))
        bench.run("-")
        #expect(bench.breaker.state == .open(until: bench.now + .seconds(5)))
    }

    @Test func whatBeganBeforeTheCircuitOpenedSaysNothingAfterwards() throws {
        let bench = Bench()
        let late = try #require(bench.pass())
        bench.run("----")
        bench.record("+", late)
        #expect(bench.isOpen)
        bench.wait(.seconds(5))
        let probe = try #require(bench.pass())
        bench.record("-", late)
        #expect(bench.breaker.state == .halfOpen(probing: 1, succeeded: 0))
        bench.record("+", probe)
        #expect(bench.breaker.state == .halfOpen(probing: 0, succeeded: 1))
    }

    @Test func theTableIsBoundedAndKeepsWhatIsUsed() {
        let table = CircuitTable(rules: Self.rules, limit: 100)
        func fail(_ origin: String) {
            guard case (.pass(let ticket), _) = table.admit(origin, now: Self.start) else { return }
            _ = table.record(.failure, origin, ticket, now: Self.start)
        }
        for _ in 0..<4 { fail("bad") }
        #expect(table.state(of: "bad") != .closed)
        var broken = 1
        var most = 0
        for index in 0..<100_000 {
            broken += table.admit("origin-\(index)", now: Self.start).1.broken
            if index % 20 == 0 { broken += table.admit("bad", now: Self.start).1.broken }
            most = max(most, table.count)
        }
        #expect(most <= 100)
        #expect(table.state(of: "bad") != .closed, "an origin that is asked for is kept")
        #expect(broken == 1)
        for index in 0..<200 { broken += table.admit("other-\(index)", now: Self.start).1.broken }
        #expect(table.state(of: "bad") == .closed, "one that isn't is forgotten")
        #expect(broken == 0, "the gauge goes back with it")
    }

    // MARK: - With exchanges

    private func port(_ bench: ExchangeBench, minimum: Int = 3) throws -> any ExchangePort {
        var configuration = CircuitBreakerConfiguration()
        configuration.minimum = minimum
        return try CircuitBreakerStage(configuration: configuration).assemble(bench.end, on: bench.shard)
    }

    @Test func aBadOriginIsRefusedAndNoOther() throws {
        let bench = ExchangeBench()
        let port = try port(bench)
        for _ in 0..<3 {
            let (exchange, source) = bench.exchange("GET", "bad.test")
            port.open(exchange)
            bench.end.last?.answer(503)
            #expect(source.statuses == [503])
        }
        let (refused, source) = bench.exchange("GET", "BAD.test:80")
        port.open(refused)
        #expect(bench.end.opened.count == 3, "the origin isn't asked")
        #expect(source.statuses == [503] && source.hasEnded)
        #expect(source.heads[0].fields.first("Retry-After") == "30")
        #expect(source.text.contains("bad.test"))
        for other in ["good.test", "bad.test:8080", "sub.bad.test"] {
            let (exchange, source) = bench.exchange("GET", other)
            port.open(exchange)
            bench.end.last?.answer(200)
            #expect(source.statuses == [200], "\(other)")
        }
        #expect(bench.counter("fluidity_circuit_refused_total") == 1)
        #expect(bench.counter("fluidity_circuit_opened_total") == 1)
        #expect(bench.gauge("fluidity_circuit_broken_origins") == 1)
    }

    @Test func loopsShareWhatTheyKnow() throws {
        var configuration = CircuitBreakerConfiguration()
        configuration.minimum = 3
        let stage = CircuitBreakerStage(configuration: configuration)
        let (one, other) = (ExchangeBench(), ExchangeBench())
        let first = try stage.assemble(one.end, on: one.shard)
        let second = try stage.assemble(other.end, on: other.shard)
        for _ in 0..<3 {
            first.open(one.exchange().0)
            one.end.last?.answer(503)
        }
        let (exchange, source) = other.exchange()
        second.open(exchange)
        #expect(other.end.opened.isEmpty && source.statuses == [503])
    }

    /// Codes that say something of the origin open the circuit, others don't.
    @Test(arguments: [
        (Failure.Code.unreachable, true), (.connectionRefused, true), (.timeout, true), (.nameNotResolved, true),
        (.originClosed, true),
        (.originInvalid, true), (.tunnelDown, false), (.tunnelLost, false), (.forbidden, false), (.cancelled, false),
        (.refused, false),
    ]) func onlyTheOriginsFaultsCount(_ code: Failure.Code, _ counts: Bool) throws {
        let bench = ExchangeBench()
        let port = try port(bench)
        for _ in 0..<3 {
            let (exchange, _) = bench.exchange()
            port.open(exchange)
            bench.end.last?.exchange.abortResponse(Failure(code, "no"))
        }
        port.open(bench.exchange().0)
        #expect((bench.end.opened.count == 3) == counts)
    }

    @Test func anAnswerThatBreaksOffCounts() throws {
        let bench = ExchangeBench()
        let port = try port(bench, minimum: 6)
        for _ in 0..<3 {
            let (exchange, _) = bench.exchange()
            port.open(exchange)
            bench.end.last?.exchange.sendResponseHead(ResponseHead(status: 200, body: .known(9)))
            bench.end.last?.exchange.abortResponse(Failure(.originClosed, "gone"))
        }
        port.open(bench.exchange().0)
        #expect(bench.end.opened.count == 3)
    }
}
