import HTTPMessages
import Logging
import NIOEmbedded
import Testing

@testable import OpenTelemetry
@testable import Pipeline

@Suite("Which exchanges become traces")
struct TraceRecorderTests {
    private static let incoming = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private func exchange(
        _ recorder: (any ExchangeTracer)?, _ fields: [(String, String)] = [], on loop: EmbeddedEventLoop
    ) -> Exchange {
        let shard = Shard(
            loop: loop, group: loop, index: 0, logger: Logger(label: "test"), exchangeLog: nil, telemetry: Telemetry(),
            host: .agent,
            tracer: recorder)
        let request = RequestHead(
            method: "GET", scheme: .http, authority: "example.com:81", path: "/secret?secret=1", fields: HeaderFields(fields))
        return Exchange(
            request, from: ExchangeSource(), client: Inbound(channel: EmbeddedChannel(loop: loop), remote: "192.0.2.1:1"), on: shard
        )
    }

    private func finish(_ exchange: Exchange, status: Int = 200) {
        exchange.sendRequestEnd()
        exchange.attach(ExchangeSink())
        exchange.sendResponseHead(ResponseHead(status: status, body: .known(0)))
        exchange.sendResponseEnd()
        #expect(exchange.hasEnded)
    }

    @Test("A trace is continued, with a span of this end's own")
    func continued() throws {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: 0, begins: true)
        let one = exchange(recorder, [("TraceParent", Self.incoming), ("tracestate", "a=b")], on: loop)
        let told = try #require(TraceContext(in: one.request.fields))
        #expect(told.traceID == "0af7651916cd43dd8448eb211c80319c" && told.parent != 0xb7ad_6b71_6920_3331 && told.isSampled)
        #expect(one.request.fields.first("tracestate") == "a=b")
        finish(one)
        let recorded = try #require(recorder.take().first)
        #expect(recorded.context == told && recorded.parent == 0xb7ad_6b71_6920_3331)
        #expect(recorded.exchange.host == "example.com" && recorded.exchange.port == 81 && recorded.exchange.status == 200)
        #expect(recorded.parts.map(\.kind) == [.firstByte] && recorded.parts[0].problem == nil)
    }

    @Test("What was waited for until there was a tunnel is within that wait, and nothing of before it")
    func tunnel() throws {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: 1, begins: true)
        var before = DialSteps()
        before.begin(.resolve)
        before.end(.resolve, "no such name")
        let one = exchange(recorder, on: loop)
        one.trace?.gotTunnel(by: before)
        one.trace?.begin(.tunnel)
        var dial = before
        dial.place = HostPort(host: "exit.example", port: 8443)
        dial.begin(.dial)
        dial.end(.dial, "refused\n")
        dial.begin(.dial)
        dial.end(.dial)
        dial.begin(.handshake)
        one.trace?.gotTunnel(by: dial)
        finish(one)
        let parts = try #require(recorder.take().first).parts
        #expect(parts.map(\.kind) == [.tunnel, .tunnelDial, .tunnelDial, .tunnelHandshake, .firstByte])
        #expect(parts.map { $0.parent == parts[0].id } == [false, true, true, true, false])
        #expect(parts[0].parent == nil && parts[0].place == nil && parts[4].parent == nil)
        #expect(parts[1].problem == "refused" && parts[2].problem == nil && parts[1].place?.host == "exit.example")
        #expect(parts.allSatisfy { parts[0].began <= $0.began && $0.began <= $0.ended })
    }

    @Test("However often the server was dialled, what is kept has a bound")
    func dials() throws {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: 1, begins: true)
        let one = exchange(recorder, on: loop)
        one.trace?.begin(.tunnel)
        var dial = DialSteps()
        for _ in 0..<1_000 { dial.begin(.dial) }
        #expect(dial.steps.count == 9 && dial.steps.filter { $0.ended == nil }.count == 1)
        one.trace?.waitedInVain(for: Array(repeating: dial, count: 10))
        finish(one, status: 503)
        #expect(try #require(recorder.take().first).parts.count == ExchangeTrace.limit)
    }

    @Test(
        "One is begun by ratio, and errors are kept whatever was drawn",
        arguments: [(0.0, 0), (1.0, 100), (0.5, nil)] as [(Double, Int?)])
    func begun(ratio: Double, expected: Int?) {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: ratio, begins: true)
        for _ in 0..<100 { finish(exchange(recorder, [("tracestate", "a=b")], on: loop)) }
        let kept = recorder.take()
        if let expected { #expect(kept.count == expected) } else { #expect((20...80).contains(kept.count)) }
        #expect(kept.allSatisfy { $0.parent == nil && $0.context.isSampled })
        finish(exchange(recorder, on: loop), status: 503)
        let failed = exchange(recorder, on: loop)
        failed.abortResponse(Failure(.nameNotResolved, "no such host"))
        let errors = recorder.take().suffix(2)
        #expect(errors.map(\.exchange.isError) == [true, true])
        #expect(errors.last?.exchange.failure?.message == "no such host")
        let refused = exchange(recorder, on: loop)
        refused.answer(LocalResponse(status: 403, body: "no\n", failure: Failure(.forbidden, "no")))
        if ratio == 0 { #expect(recorder.take().isEmpty, "a refusal is no error") }
    }

    @Test("Unasked, and where nobody wants traces, no request is changed")
    func unasked() {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: 1, begins: false)
        for fields in [[], [("traceparent", "00-nonsense")]] {
            let plain = exchange(recorder, fields, on: loop)
            #expect(plain.trace == nil && plain.request.fields == HeaderFields(fields))
            finish(plain)
        }
        let traced = exchange(nil, [("traceparent", Self.incoming)], on: loop)
        #expect(traced.trace == nil && traced.request.fields.first("traceparent") == Self.incoming)
        finish(traced)
        #expect(recorder.take().isEmpty)
    }

    @Test("What waits is bounded, and what is too much is counted")
    func bounded() {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: 1, begins: true)
        for _ in 0..<(TraceRecorder.limit + 7) { finish(exchange(recorder, on: loop)) }
        #expect(recorder.metrics["fluidity_otlp_exchanges_dropped_total", .init("reason", "crowded")] == .counter(7))
        #expect(recorder.metrics["fluidity_otlp_exchanges_waiting"] == .gauge(Double(TraceRecorder.limit)))
        #expect(recorder.take().count == TraceRecorder.batch)
    }

    @Test("A try that is followed by another of the same came to nothing, and long reasons are cut")
    func triedAgain() throws {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: 1, begins: true)
        let one = exchange(recorder, on: loop)
        one.trace?.begin(.dial)
        one.trace?.begin(.dial)
        one.trace?.end(.dial)
        one.trace?.begin(.handshake)
        one.trace?.end(.handshake, String(repeating: "x", count: 10_000))
        finish(one)
        let recorded = try #require(recorder.take().first)
        #expect(recorded.parts.prefix(2).map(\.problem) == ["it was tried again", nil])
        #expect((100...310).contains(recorded.parts[2].problem?.count ?? 0))
        #expect(Set(recorded.parts.map(\.id)).count == recorded.parts.count)
    }

    @Test("What it waits for has a beginning and an end, and what comes to nothing says why")
    func parts() throws {
        let loop = EmbeddedEventLoop()
        let recorder = TraceRecorder(ratio: 1, begins: true)
        let one = exchange(recorder, on: loop)
        one.trace?.begin(.resolve)
        one.trace?.end(.resolve)
        one.trace?.begin(.dial)
        one.trace?.end(.dial, "refused")
        one.trace?.begin(.handshake)
        one.attach(ExchangeSink())
        for _ in 0..<50 { one.trace?.begin(.connection) }
        one.abortResponse(Failure(.timeout, "too late"))
        let recorded = try #require(recorder.take().first)
        #expect(recorded.parts.count == ExchangeTrace.limit)
        #expect(
            recorded.parts[..<3].map(\.kind) == [.resolve, .dial, .handshake], "the first byte isn't waited for before TLS is there"
        )
        #expect(recorded.parts[..<3].map(\.problem) == [nil, "refused", "too late"])
        #expect(recorded.parts.allSatisfy { recorded.began <= $0.began && $0.began <= $0.ended && $0.ended <= recorded.ended })
    }
}
