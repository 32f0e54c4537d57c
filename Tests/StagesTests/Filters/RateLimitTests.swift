import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@Suite struct RateLimitTests {
    private func head(_ host: String = "example.com", method: String = "GET", body: BodyLength = .none) -> RequestHead {
        RequestHead(method: method, scheme: .http, authority: host, path: "/", body: body)
    }

    private func peer(_ key: String) -> PeerIdentity {
        PeerIdentity(subject: "CN=a", commonName: "a", dnsNames: [], uris: [], publicKeyHash: key)
    }

    @Test func refusesWithTheFieldsOfTheDraft() throws {
        let bench = try FilterBench("rate-limit: { by: global, requests: 10/m, burst: 3 }")
        for _ in 0..<3 { #expect(bench.open().status == nil) }
        let refused = bench.open()
        #expect(refused.status == 429)
        #expect(refused.field("Retry-After") == "6")
        #expect(refused.field("RateLimit-Policy") == "\"requests\";q=3;w=18")
        #expect(refused.field("RateLimit") == "\"requests\";r=0;t=6")
        #expect(refused.body.hasPrefix("too many requests: 10/m for all together\n"))
        #expect(refused.ended)
        #expect(bench.sink.passed.count == 3)
        #expect(bench.metric("fluidity_rate_limit_refused_total", where: ("limit", "requests")) == 1)
        // After what Retry-After said, there is one; not a nanosecond before.
        bench.loop.advanceTime(by: .nanoseconds(5_999_999_999))
        #expect(bench.open().status == 429)
        bench.loop.advanceTime(by: .nanoseconds(1))
        #expect(bench.open().status == nil)
        #expect(bench.open().status == 429)
    }

    @Test func byClient() throws {
        let bench = try FilterBench("rate-limit: { by: client, requests: 1/h }")
        func status(_ remote: String, _ key: String? = nil) -> Int? {
            bench.open(from: remote, peer: key.map(peer)).status
        }
        #expect(status("192.0.2.1:1") == nil)
        #expect(status("192.0.2.1:2") == 429, "another port is the same client")
        #expect(status("192.0.2.2:1") == nil)
        #expect(status("[2001:db8:1:1::1]:1") == nil)
        #expect(status("[2001:db8:1:1:ffff::2]:1") == 429, "another address of one network")
        #expect(status("[2001:db8:1:2::1]:1") == nil)
        #expect(status("[::ffff:192.0.2.1]:1") == 429, "the same client, at a socket for both versions")
        #expect(status("[::ffff:192.0.2.3]:1") == nil, "another one there")
        #expect(status("[64:ff9b::192.0.2.3]:1") == 429, "the same, behind a translator")
        #expect(status("[64:ff9b::192.0.2.4]:1") == nil)
        #expect(status("192.0.2.1:1", "aa") == nil, "a certificate is somebody, whatever the address")
        #expect(status("192.0.2.9:1", "aa") == 429)
        #expect(status("192.0.2.9:1", "bb") == nil)
    }

    @Test func byIdentity() throws {
        let bench = try FilterBench("rate-limit: { by: identity, requests: 1/h }")
        func status(_ name: String?) -> Int? {
            bench.open(identity: name.map { Identity(name: $0, method: "basic") }).status
        }
        #expect(status("alice") == nil)
        #expect(status("alice") == 429)
        #expect(status("bob") == nil)
        #expect(status(nil) == nil)
        #expect(status(nil) == 429, "those without a name share one limit")
    }

    @Test func byHost() throws {
        let bench = try FilterBench("rate-limit: { by: host, requests: 1/h }")
        #expect(bench.open(head("a.test")).status == nil)
        #expect(bench.open(head("A.test.")).status == 429)
        #expect(bench.open(head("a.test:8080")).status == 429)
        #expect(bench.open(head("b.test")).status == nil)
    }

    @Test func openExchangesAreLimitedAndCountedDownHoweverTheyEnd() throws {
        let bench = try FilterBench("rate-limit: { by: global, concurrent: 2 }")
        let first = bench.open()
        let second = bench.open()
        let refused = bench.open()
        #expect(refused.status == 429)
        #expect(refused.field("RateLimit-Policy") == "\"concurrent\";q=2;qu=\"concurrent-requests\"")
        #expect(bench.metric("fluidity_rate_limit_refused_total", where: ("limit", "concurrent")) == 1)
        first.exchange?.sendRequestEnd()
        bench.sink.passed[0].respond(body: "done")
        #expect(first.ended)
        #expect(bench.open().status == nil)
        second.exchange?.abortRequest(Failure(.cancelled, "gone"))
        #expect(bench.open().status == nil)
        bench.sink.passed[2].exchange.abortResponse(Failure(.timeout, "slow"))
        #expect(bench.open().status == nil)
        #expect(bench.open().status == 429)
    }

    /// A response of a megabyte in chunks at 100 kB/s, with a burst of 64 KiB: what has passed at any time is what the rate allows.
    @Test func bytesPassAtTheRateAndNoneAreLost() throws {
        let bench = try FilterBench("rate-limit: { by: global, download: 100kB/s, byte-burst: 64KiB }")
        let source = bench.open()
        source.exchange?.sendRequestEnd()
        let end = try #require(bench.sink.last)
        end.exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        let total = 1_000_000
        let chunk = 10_000
        for index in 0..<(total / chunk) {
            end.exchange.sendResponseBody(ByteBuffer(repeating: UInt8(0x61 + index % 26), count: chunk))
        }
        end.exchange.sendResponseEnd()
        var elapsed = 0.0
        while !source.ended, elapsed < 60 {
            let allowed = 65_536 + Int(elapsed * 100_000) + 2 * chunk
            #expect(source.body.utf8.count <= allowed, "after \(elapsed) s")
            #expect(source.body.utf8.count >= min(total, Int(elapsed * 100_000)) - chunk, "after \(elapsed) s")
            bench.loop.advanceTime(by: .milliseconds(50))
            elapsed += 0.05
        }
        #expect(source.body.utf8.count == total)
        #expect(source.body.utf8.first == 0x61 && source.body.utf8.last == UInt8(0x61 + 99 % 26))
        #expect((9.2...9.5).contains(elapsed), "\(elapsed) s")
        #expect(bench.metric("fluidity_rate_limit_delays_total") > 50)
    }

    /// Many small responses are held to the rate as one large one is: what an exchange doesn't pay, the next does.
    @Test func smallResponsesShareTheRate() throws {
        let bench = try FilterBench("rate-limit: { by: global, download: 100kB/s, byte-burst: 10kB }")
        var passed = 0
        var elapsed = 0.0
        var sources: [BenchSource] = []
        for _ in 0..<50 {
            let source = bench.open()
            source.exchange?.sendRequestEnd()
            bench.sink.last?.respond(body: String(repeating: "x", count: 10_000))
            sources.append(source)
        }
        while sources.contains(where: { !$0.ended }), elapsed < 60 {
            bench.loop.advanceTime(by: .milliseconds(50))
            elapsed += 0.05
        }
        passed = sources.reduce(0) { $0 + $1.body.utf8.count }
        #expect(passed == 500_000)
        #expect((4.5...5.5).contains(elapsed), "\(elapsed) s")
    }

    /// In chunks so long that they aren't held together.
    @Test func uploadsAreHeldForWantOfCredit() throws {
        let bench = try FilterBench("rate-limit: { by: global, upload: 50kB/s, byte-burst: 5kB }")
        let source = bench.open(head(method: "POST", body: .unknown))
        let exchange = try #require(source.exchange)
        for _ in 0..<10 { exchange.sendRequestBody(ByteBuffer(repeating: 0x61, count: 5_000)) }
        exchange.sendRequestEnd()
        let end = try #require(bench.sink.last)
        #expect(end.body.utf8.count <= 10_000 && !end.ended, "the burst, and a chunk")
        bench.loop.advanceTime(by: .milliseconds(500))
        #expect((25_000...35_000).contains(end.body.utf8.count), "\(end.body.utf8.count)")
        #expect(!end.ended)
        bench.loop.advanceTime(by: .seconds(1))
        #expect(end.body.utf8.count == 50_000 && end.ended)
    }

    @Test func tunnelsAreLimitedBothWays() throws {
        let bench = try FilterBench("rate-limit: { by: global, upload: 50kB/s, download: 50kB/s, byte-burst: 5kB }")
        let source = bench.open(
            RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: "a.test:443", path: "", body: .unknown))
        let end = try #require(bench.sink.last)
        end.exchange.sendResponseHead(ResponseHead(status: 200))
        for _ in 0..<10 {
            source.exchange?.sendRequestBody(ByteBuffer(repeating: 0x61, count: 5_000))
            end.exchange.sendResponseBody(ByteBuffer(repeating: 0x62, count: 5_000))
        }
        #expect(end.body.utf8.count <= 10_000 && source.body.utf8.count <= 10_000)
        bench.loop.advanceTime(by: .seconds(2))
        #expect(end.body.utf8.count == 50_000 && source.body.utf8.count == 50_000)
    }

    @Test func anExchangeThatEndsGivesBackWhatItDidNotUse() throws {
        let bench = try FilterBench("rate-limit: { by: global, download: 40kB/s, byte-burst: 4kB }")
        for _ in 0..<100 {
            let source = bench.open()
            source.exchange?.sendRequestEnd()
            bench.sink.last?.respond(body: "x")
            #expect(source.ended, "a hundred bytes are within the burst")
        }
    }

    @Test func whatHasNoBytesIsNotDelayed() throws {
        let bench = try FilterBench("rate-limit: { by: global, download: 1kB/s, byte-burst: 1KiB }")
        let big = bench.open()
        big.exchange?.sendRequestEnd()
        bench.sink.last?.respond(body: String(repeating: "x", count: 50_000))
        let empty = bench.open(head(method: "HEAD"))
        empty.exchange?.sendRequestEnd()
        bench.sink.last?.respond(204)
        #expect(empty.ended)
    }

    @Test func onlyRequestsCostNoGate() throws {
        let bench = try FilterBench("rate-limit: { by: global, requests: 100/s }")
        let source = bench.open(head(method: "POST", body: .unknown))
        source.exchange?.sendRequestBody(ByteBuffer(string: "x"))
        #expect(bench.sink.last?.body == "x")
        #expect(bench.metric("fluidity_rate_limit_delays_total") == 0)
    }
}
