import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
import Pipeline
import Testing

@testable import Filters

/// `compress` at both ends of a tunnel: the first port's exchanges go straight to the second's.
@Suite struct CompressTests {
    /// What stands between the two, and sees what the tunnel would carry.
    private final class Tunnel: ExchangePort {
        let next: any ExchangePort
        var offers: BodyCapabilities
        var requests: [RequestHead] = []
        var relays: [Wire] = []

        init(_ next: any ExchangePort, offers: BodyCapabilities) {
            self.next = next
            self.offers = offers
        }

        func open(_ exchange: Exchange) {
            requests.append(exchange.request)
            let wire = Wire(exchange)
            relays.append(wire)
            wire.begin(exchange.request, towards: next)
        }
    }

    private final class Wire: ExchangeRelay {
        var requestBytes = 0
        var response: ResponseHead?
        var responseBytes = 0
        override func requestBody(_ bytes: ByteBuffer) {
            requestBytes += bytes.readableBytes
            super.requestBody(bytes)
        }
        override func innerHead(_ head: ResponseHead) {
            response = head
            super.innerHead(head)
        }
        override func innerBody(_ bytes: ByteBuffer) {
            responseBytes += bytes.readableBytes
            super.innerBody(bytes)
        }
    }

    private let bench = ExchangeBench()
    private static let text = String(repeating: "the same words over and over. ", count: 2_000)

    private func stage(_ change: (inout CompressConfiguration) -> Void = { _ in }) -> CompressStage {
        var configuration = CompressConfiguration()
        change(&configuration)
        return CompressStage(configuration: configuration)
    }

    /// An agent's and a server's end, with or without the stage.
    private func ends(
        agent: Bool = true, server: Bool = true, offers: BodyCapabilities? = nil
    ) throws -> (any ExchangePort, Tunnel) {
        let far = server ? try stage().assemble(bench.end, on: bench.shard) : bench.end
        let tunnel = Tunnel(far, offers: offers ?? far.offers)
        return (agent ? try stage().assemble(tunnel, on: bench.shard) : tunnel, tunnel)
    }

    @Test(arguments: [true, false], [true, false]) func everyCombinationOfEnds(_ agent: Bool, _ server: Bool) throws {
        let (port, tunnel) = try ends(agent: agent, server: server)
        let count = Int64(Self.text.utf8.count)
        let (exchange, source) = bench.exchange("POST", body: .known(count), [("Content-Type", "text/plain")])
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: Self.text))
        exchange.sendRequestEnd(HeaderFields([("Sum", "1")]))
        let sink = try #require(bench.end.last)
        #expect(sink.exchange.request.body == .known(count) && !sink.exchange.request.takesDeflated)
        #expect(sink.text == Self.text && sink.hasEnded && sink.trailers?.first("Sum") == "1")
        sink.answer(200, Self.text, [("Content-Type", "application/json")])
        #expect(source.text == Self.text && source.hasEnded && source.heads[0].body == .known(count))
        #expect(exchange.hasEnded && bench.shard.openExchanges == 0)
        let both = agent && server
        #expect((tunnel.relays[0].requestBytes < 2_000) == both)
        #expect((tunnel.relays[0].responseBytes < 2_000) == both)
        #expect(tunnel.requests[0].body == (both ? .deflated(count) : .known(count)))
        #expect(tunnel.relays[0].response?.body == (both ? .deflated(count) : .known(count)))
        #expect(source.credit == Int(count), "the client gets credit for what it sent, not for what it became")
        #expect(sink.credit == Int(count))
    }

    @Test func metricsSayWhatWasSaved() throws {
        let (port, _) = try ends()
        let (exchange, _) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        bench.end.last?.answer(200, Self.text, [("Content-Type", "text/css")])
        let response = [MetricTable.Label("body", "response")]
        // Both ends are on one shard here, and count what they did.
        #expect(bench.counter("fluidity_compress_bodies_total", response) == 2)
        #expect(bench.counter("fluidity_compress_original_bytes_total", response) == 2 * Int64(Self.text.utf8.count))
        let deflated = bench.counter("fluidity_compress_deflated_bytes_total", response)
        #expect(deflated > 0 && deflated < 4_000)
        #expect(
            bench.counter("fluidity_compress_saved_bytes_total", response) == 2 * Int64(Self.text.utf8.count) - deflated)
        #expect(bench.counter("fluidity_compress_bodies_total", [.init("body", "request")]) == 0)
    }

    /// A response's status, type, further field and length, and whether it is deflated.
    @Test(arguments: [
        (200, "text/html; charset=utf-8", "", 60_000, true), (404, "application/problem+json", "", 60_000, true),
        (200, "image/svg+xml", "", 1_024, true), (200, "TEXT/CSS", "", 60_000, true), (200, "text/html", "", 1_023, false),
        (200, "image/png", "", 60_000, false), (200, "", "", 60_000, false), (200, "application/octet-stream", "", 60_000, false),
        (200, "text/html", "Content-Encoding: gzip", 60_000, false), (200, "text/html", "Content-Encoding: identity", 60_000, true),
        (200, "text/html", "Cache-Control: private, No-Transform", 60_000, false),
        (200, "text/html", "Cache-Control: no-store", 60_000, true), (304, "text/html", "", 60_000, false),
        (200, "textual/html", "", 60_000, false), (200, "application/json-seq", "", 60_000, false),
    ]) func whatIsDeflated(_ status: Int, _ type: String, _ field: String, _ count: Int, _ isDeflated: Bool) throws {
        let (port, tunnel) = try ends()
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        let sink = try #require(bench.end.last)
        var fields = type.isEmpty ? HeaderFields() : HeaderFields([("Content-Type", type)])
        let parts = field.split(separator: ": ")
        if parts.count == 2 { fields.append(String(parts[0]), String(parts[1])) }
        sink.exchange.sendResponseHead(ResponseHead(status: status, body: .known(Int64(count)), fields: fields))
        if status != 304 { sink.exchange.sendResponseBody(ByteBuffer(repeating: 0x61, count: count)) }
        sink.exchange.sendResponseEnd()
        #expect(tunnel.relays[0].response?.body.isDeflated == isDeflated)
        #expect(source.heads[0].body == .known(Int64(count)))
        #expect(source.heads[0].fields == fields, "no field is added or lost")
        #expect(source.body.readableBytes == (status == 304 ? 0 : count) && source.hasEnded)
    }

    @Test func headTunnelsAndUpgradesAreLeftAlone() throws {
        let (port, tunnel) = try ends()
        for (method, kind) in [("HEAD", RequestKind.plain), ("CONNECT", .tunnel), ("GET", .upgrade)] {
            let (exchange, _) = bench.exchange(method, "example.com:80", kind: kind)
            port.open(exchange)
            #expect(tunnel.requests.last?.takesDeflated == false && tunnel.requests.last?.body == BodyLength.none)
            #expect(tunnel.relays.last?.outer === exchange, "there is nothing between")
            exchange.sendRequestBody(ByteBuffer(string: Self.text))
            #expect(bench.end.last?.text == Self.text)
        }
    }

    @Test func eventsPassWhenTheyAreFlushed() throws {
        let (port, tunnel) = try ends()
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        let sink = try #require(bench.end.last)
        sink.exchange.sendResponseHead(
            ResponseHead(status: 200, body: .unknown, fields: HeaderFields([("Content-Type", "text/event-stream")])))
        #expect(tunnel.relays[0].response?.body == .deflated(nil))
        #expect(source.heads[0].body == .unknown)
        for number in 0..<100 {
            sink.exchange.sendResponseBody(ByteBuffer(string: "data: \(number)\n\n"))
            sink.exchange.flushResponse()
            #expect(source.text == "data: \(number)\n\n")
            #expect(source.flushes > number)
            source.body.clear()
        }
    }

    @Test func requestsAreFlushedToo() throws {
        let (port, tunnel) = try ends()
        let (exchange, source) = bench.exchange("POST", body: .unknown, [("Content-Type", "application/x-ndjson")])
        port.open(exchange)
        for number in 0..<20 {
            exchange.sendRequestBody(ByteBuffer(string: "{\"line\": \(number)}\n"))
            exchange.flushRequest()
            #expect(bench.end.last?.text == "{\"line\": \(number)}\n")
            bench.end.last?.body.clear()
        }
        #expect(tunnel.requests[0].body == .deflated(nil) && source.credit > 0)
    }

    @Test func whileTheOtherEndIsUnknownRequestsGoPlainAndResponsesMayCome() throws {
        let (port, tunnel) = try ends(offers: .undecided)
        let (exchange, source) = bench.exchange("POST", body: .known(Int64(Self.text.utf8.count)), [("Content-Type", "text/x")])
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: Self.text))
        exchange.sendRequestEnd()
        #expect(tunnel.requests[0].body == .known(Int64(Self.text.utf8.count)) && tunnel.requests[0].takesDeflated)
        bench.end.last?.answer(200, Self.text, [("Content-Type", "text/plain")])
        #expect(tunnel.relays[0].response?.body.isDeflated == true && source.text == Self.text)
    }

    /// A relay with the stage in the middle: what goes on to an end that takes it isn't touched, else it is undone there.
    @Test(arguments: [true, false]) func inTheMiddle(_ lastTakesIt: Bool) throws {
        let last = lastTakesIt ? try stage().assemble(bench.end, on: bench.shard) : bench.end
        let second = Tunnel(last, offers: last.offers)
        let middle = try stage().assemble(second, on: bench.shard)
        let first = Tunnel(middle, offers: middle.offers)
        let port = try stage().assemble(first, on: bench.shard)
        let (exchange, source) = bench.exchange(
            "PUT", body: .known(Int64(Self.text.utf8.count)), [("Content-Type", "text/plain")])
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: Self.text))
        exchange.sendRequestEnd()
        #expect(bench.end.last?.text == Self.text)
        bench.end.last?.answer(200, Self.text, [("Content-Type", "text/plain")])
        #expect(source.text == Self.text && source.hasEnded)
        #expect(first.requests[0].body.isDeflated && second.requests[0].body.isDeflated == lastTakesIt)
        #expect(first.relays[0].response?.body.isDeflated == true)
        #expect(second.relays[0].response?.body.isDeflated == lastTakesIt)
        #expect(second.requests[0].takesDeflated == lastTakesIt)
    }

    @Test func aRequestThatIsNoDeflatedBodyIsRefused() throws {
        let port = try stage().assemble(bench.end, on: bench.shard)
        let (exchange, source) = bench.exchange("POST", body: .deflated(100))
        port.open(exchange)
        exchange.sendRequestBody(ByteBuffer(string: "this was never deflated"))
        #expect(source.statuses == [502] && exchange.hasEnded)
        #expect(bench.end.last?.failure != nil, "the origin isn't left waiting")
        #expect(bench.counter("fluidity_compress_refused_bodies_total", [.init("body", "request")]) == 1)
    }

    @Test func aResponseThatIsNoDeflatedBodyBreaksOff() throws {
        bench.end.offers = .deflate
        let port = try stage().assemble(bench.end, on: bench.shard)
        let (exchange, source) = bench.exchange()
        exchange.sendRequestEnd()
        port.open(exchange)
        let sink = try #require(bench.end.last)
        sink.exchange.sendResponseHead(ResponseHead(status: 200, body: .deflated(nil)))
        sink.exchange.sendResponseBody(ByteBuffer(string: "this was never deflated"))
        #expect(source.statuses == [200] && source.failure?.code == .protocolViolation && !source.hasEnded)
        #expect(exchange.hasEnded && bench.shard.openExchanges == 0)
    }

    @Test func aSlowClientHoldsBackTheOrigin() throws {
        let (port, _) = try ends()
        let (exchange, source) = bench.exchange()
        source.creditsAtOnce = false
        exchange.sendRequestEnd()
        port.open(exchange)
        let sink = try #require(bench.end.last)
        sink.exchange.sendResponseHead(
            ResponseHead(status: 200, body: .unknown, fields: HeaderFields([("Content-Type", "text/plain")])))
        // 100 MiB, as long as there is credit for the window that an origin has.
        var sent = 0
        let chunk = ByteBuffer(repeating: 0x20, count: 64 << 10)
        while sent - sink.credit < 128 << 10, sent < 100 << 20 {
            sink.exchange.sendResponseBody(chunk)
            sink.exchange.flushResponse()
            sent += chunk.readableBytes
        }
        #expect(sent < 100 << 20, "the origin is stopped")
        #expect(source.body.readableBytes <= CodedBody.limit + CodedBody.portion)
        sink.exchange.sendResponseEnd()
        var received = 0
        while !source.hasEnded {
            let count = source.body.readableBytes
            received += count
            source.body.clear()
            guard count > 0 else { break }
            exchange.creditResponse(count)
        }
        received += source.body.readableBytes
        #expect(source.hasEnded && received == sent)
    }

    @Test func memoryThatIsUsedUpMeansPlainBodies() throws {
        let (port, tunnel) = try ends()
        // Exchanges that wait for their answer; each has been promised what inflating takes, as long as there is any.
        var waiting: [Exchange] = []
        let limit = CompressConfiguration().memory.bytes / CoderPool.inflating
        for _ in 0..<(limit + 5) {
            let (exchange, _) = bench.exchange()
            exchange.sendRequestEnd()
            port.open(exchange)
            waiting.append(exchange)
        }
        #expect(tunnel.requests.count { $0.takesDeflated } == limit)
        for exchange in waiting { exchange.abortRequest(Failure(.cancelled, "gone")) }
        waiting = []
        tunnel.relays = []
        bench.end.opened = []
        let (exchange, _) = bench.exchange()
        port.open(exchange)
        #expect(tunnel.requests.last?.takesDeflated == true, "what has ended gives its memory back")
    }
}
