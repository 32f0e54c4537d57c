import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import Filters

/// Each fault, chance with a seed, and slow bodies on a controlled clock.
@Suite struct FaultTests {
    private let bench = ExchangeBench()

    private func port(_ change: (inout FaultConfiguration) -> Void) throws -> any ExchangePort {
        var configuration = FaultConfiguration()
        change(&configuration)
        return try FaultStage(configuration: configuration).assemble(bench.end, on: bench.shard)
    }

    private func injected(_ fault: FaultPort.Kind) -> Int64 {
        bench.counter("fluidity_fault_injected_total", [.init("fault", fault.rawValue)])
    }

    /// A request that the origin answers with a body.
    private func answered(_ port: any ExchangePort, _ body: String) -> (Exchange, RecordingSource) {
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        bench.end.last?.answer(200, body)
        return (exchange, source)
    }

    @Test func latency() throws {
        let port = try port {
            $0.latency = FaultConfiguration.Latency()
            $0.latency?.delay = .milliseconds(200)
        }
        let (exchange, source) = bench.exchange("POST", body: .known(5))
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: "hello"))
        bench.loop.advanceTime(by: .milliseconds(199))
        #expect(bench.end.opened.isEmpty && source.credit == 0)
        bench.loop.advanceTime(by: .milliseconds(1))
        #expect(bench.end.last?.text == "hello" && bench.end.last?.exchange === exchange)
        #expect(injected(.latency) == 1)
        let (gone, _) = bench.exchange()
        port.open(gone)
        gone.abortRequest(Failure(.cancelled, "gone"))
        bench.loop.advanceTime(by: .seconds(1))
        #expect(bench.end.opened.count == 1, "who has left isn't carried on")
    }

    @Test func abortWithAStatusAndWithAReset() throws {
        for resets in [false, true] {
            let port = try port {
                $0.abort = FaultConfiguration.Abort()
                $0.abort?.status = 418
                $0.abort?.reset = resets
            }
            let (exchange, source) = bench.exchange()
            port.open(exchange)
            #expect(bench.end.opened.isEmpty && exchange.hasEnded)
            #expect(source.statuses == (resets ? [] : [418]))
            #expect((source.failure?.code == .originClosed) == resets)
            if !resets { #expect(source.text.contains("'fault'"), "it says who has answered") }
        }
        #expect(injected(.abort) == 2)
    }

    @Test func truncationOfAResponse() throws {
        let port = try port {
            $0.truncate = FaultConfiguration.Truncate()
            $0.truncate?.after = ByteCount(5)
        }
        let (exchange, source) = answered(port, "hello and more")
        #expect(source.text == "hello" && source.failure == nil, "the cut doesn't overtake what is on its way")
        bench.loop.run()
        #expect(source.text == "hello" && source.failure?.code == .originClosed && !source.hasEnded)
        #expect(exchange.hasEnded && bench.shard.openExchanges == 0)
        let (_, whole) = answered(port, "hello")
        #expect(whole.text == "hello" && whole.hasEnded && whole.failure == nil, "one that is no longer passes")
        #expect(injected(.truncate) == 1)
    }

    @Test func truncationWaitsForWhatIsOnItsWay() throws {
        let port = try port {
            $0.truncate = FaultConfiguration.Truncate()
            $0.truncate?.after = ByteCount(5)
        }
        let (exchange, source) = bench.exchange()
        source.creditsAtOnce = false
        exchange.sendRequestEnd()
        port.open(exchange)
        bench.end.last?.answer(200, "hello and more")
        bench.loop.run()
        #expect(source.text == "hello" && source.failure == nil)
        exchange.creditResponse(4)
        bench.loop.run()
        #expect(source.failure == nil)
        exchange.creditResponse(1)
        bench.loop.run()
        #expect(source.failure?.code == .originClosed && exchange.hasEnded)
    }

    @Test func truncationOfARequest() throws {
        let port = try port {
            $0.truncate = FaultConfiguration.Truncate()
            $0.truncate?.of = .request
            $0.truncate?.after = ByteCount(3)
        }
        let (exchange, source) = bench.exchange("PUT", body: .known(5))
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: "12"))
        exchange.sendRequestBody(ByteBuffer(string: "345"))
        #expect(bench.end.last?.text == "123" && bench.end.last?.failure != nil && bench.end.last?.hasEnded == false)
        #expect(source.statuses == [502] && exchange.hasEnded)
    }

    @Test func corruptionChangesOneBitOfEachPart() throws {
        let port = try port {
            $0.corrupt = FaultConfiguration.Corrupt()
            $0.corrupt?.of = .both
        }
        let original = ByteBuffer(repeating: 0, count: 1_000)
        let (exchange, source) = bench.exchange("PUT", body: .known(2_000))
        port.open(exchange)
        exchange.sendRequestBody(original)
        exchange.sendRequestBody(original)
        exchange.sendRequestEnd()
        let sink = try #require(bench.end.last)
        #expect(sink.body.readableBytes == 2_000 && sink.hasEnded)
        func wrongBits(_ bytes: ByteBuffer) -> Int { bytes.readableBytesView.reduce(0) { $0 + $1.nonzeroBitCount } }
        #expect(wrongBits(sink.body) == 2)
        sink.exchange.sendResponseHead(ResponseHead(status: 200, body: .known(1_000)))
        sink.exchange.sendResponseBody(original)
        sink.exchange.sendResponseEnd()
        #expect(wrongBits(source.body) == 1 && source.body.readableBytes == 1_000 && source.hasEnded)
        #expect(wrongBits(original) == 0, "what others hold is not changed")
        #expect(source.credit == 2_000 && injected(.corrupt) == 2)
    }

    @Test func aThrottledBodyComesWholeAndEarnsCreditAsItPasses() throws {
        let port = try port {
            $0.throttle = FaultConfiguration.Throttle()
            $0.throttle?.rate = ByteCount(1 << 40)
            $0.throttle?.of = .both
        }
        let (exchange, source) = bench.exchange("PUT", body: .known(100_000))
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(repeating: 1, count: 100_000))
        exchange.sendRequestEnd()
        // The stage's clock is the loop's real one; at this rate any tick is enough for all of it.
        while bench.end.last?.hasEnded != true { bench.loop.advanceTime(by: FaultRelay.tick) }
        #expect(bench.end.last?.body.readableBytes == 100_000 && source.credit == 100_000)
        bench.end.last?.answer(200, String(repeating: "x", count: 50_000))
        while !source.hasEnded { bench.loop.advanceTime(by: FaultRelay.tick) }
        #expect(source.body.readableBytes == 50_000 && exchange.hasEnded)
    }

    @Test func theThrottleUnderItsClock() {
        var now = NIODeadline.uptimeNanoseconds(5_000_000_000)
        var throttle = FaultThrottle(rate: 1_000, now: now)
        #expect([throttle.take(upTo: 50, now: now)] == [0])
        var passed = 0
        for _ in 0..<100 {
            now = now + .milliseconds(50)
            let part = throttle.take(upTo: 10_000, now: now)
            #expect(part <= 50)
            passed += part
        }
        #expect((4_990...5_000).contains(passed), "five seconds' worth")
        now = now + .seconds(60)
        let burst = throttle.take(upTo: 10_000, now: now)
        #expect(burst == 100, "a pause saves up a tenth of a second")
        var slow = FaultThrottle(rate: 1, now: now)
        now = now + .milliseconds(999)
        let early = slow.take(upTo: 5, now: now)
        now = now + .milliseconds(2)
        let late = slow.take(upTo: 5, now: now)
        #expect(early == 0 && late == 1)
    }

    @Test func aClientThatLeavesStopsWhatWaits() throws {
        let port = try port {
            $0.throttle = FaultConfiguration.Throttle()
            $0.throttle?.rate = ByteCount(1)
        }
        let (exchange, source) = answered(port, "slow")
        exchange.abortRequest(Failure(.cancelled, "gone"))
        bench.loop.advanceTime(by: .seconds(10))
        #expect(source.text.count < 4 && bench.shard.openExchanges == 0)
    }

    @Test func onlyTheHostsThatAreNamed() throws {
        let port = try port {
            $0.abort = FaultConfiguration.Abort()
            $0.hosts = [Glob("*.test"), Glob("exact.example")]
        }
        for (host, isHit) in [
            ("a.test:80", true), ("A.TEST", true), ("exact.example", true), ("test", false), ("a.example", false),
        ] {
            let (exchange, source) = bench.exchange("GET", host)
            port.open(exchange)
            #expect((source.statuses == [503]) == isHit, "\(host)")
        }
    }

    @Test func chanceIsAsOftenAsItIsSaidAndRepeatsItself() {
        var configuration = FaultConfiguration()
        configuration.abort = FaultConfiguration.Abort()
        configuration.abort?.probability = 0.25
        configuration.truncate = FaultConfiguration.Truncate()
        configuration.truncate?.probability = 0.5
        configuration.latency = FaultConfiguration.Latency()
        configuration.latency?.jitter = .milliseconds(50)
        func plans(_ seed: Int?, _ loop: Int = 0) -> [FaultPlan] {
            var draw = FaultDraw(seed: seed, loop: loop)
            return (0..<4_000).map { _ in draw.plan(configuration) }
        }
        let first = plans(7)
        #expect(first == plans(7))
        #expect(first != plans(8) && first != plans(7, 1) && plans(nil) != plans(nil))
        #expect((900...1_100).contains(first.count { $0.aborts }))
        #expect((1_900...2_100).contains(first.count { $0.cutResponse != nil }))
        #expect(first.allSatisfy { ($0.delay ?? .zero) >= .milliseconds(100) && ($0.delay ?? .zero) <= .milliseconds(150) })
        configuration.abort?.probability = 0
        #expect(plans(7).allSatisfy { !$0.aborts })
    }
}
