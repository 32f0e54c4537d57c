import HTTPMessages
import Logging
import NIOEmbedded
import Synchronization
import Testing
import Tracing

@testable import OpenTelemetry
@testable import Pipeline

/// A program's own tracer gets what an exchange is, and has its context told to those after it.
@Suite struct TracerBridgeTests {
    private struct Key: ServiceContextKey { typealias Value = String }

    private final class RecordedSpan: Tracing.Span {
        let name: String
        let kind: SpanKind
        let context: ServiceContext
        let parent: String?
        let began: UInt64
        let state = Mutex<(attributes: SpanAttributes, status: SpanStatus?, ended: UInt64?)>(([:], nil, nil))

        init(_ name: String, _ kind: SpanKind, _ context: ServiceContext, parent: String?, began: UInt64) {
            (self.name, self.kind, self.context, self.parent, self.began) = (name, kind, context, parent, began)
        }

        var operationName: String {
            get { name }
            set {}
        }
        var attributes: SpanAttributes {
            get { state.withLock { $0.attributes } }
            set { state.withLock { $0.attributes = newValue } }
        }
        var isRecording: Bool { true }
        func setStatus(_ status: SpanStatus) { state.withLock { $0.status = status } }
        func addEvent(_ event: SpanEvent) {}
        func recordError<Instant: TracerInstant>(
            _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
        ) {}
        func addLink(_ link: SpanLink) {}
        func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
            let end = instant().nanosecondsSinceEpoch
            state.withLock { $0.ended = end }
        }
    }

    private final class RecordingTracer: Tracer {
        let spans = Mutex<[RecordedSpan]>([])

        func startSpan<Instant: TracerInstant>(
            _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
            at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
        ) -> RecordedSpan {
            let outer = context()
            let parent = outer[Key.self]
            var own = outer
            return spans.withLock { spans in
                own[Key.self] = "span-\(spans.count)"
                let span = RecordedSpan(
                    operationName, kind, own, parent: parent, began: instant().nanosecondsSinceEpoch)
                spans.append(span)
                return span
            }
        }

        func forceFlush() {}

        func extract<Carrier, Extract: Extractor>(_ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract)
        where Extract.Carrier == Carrier {
            context[Key.self] = extractor.extract(key: "x-span", from: carrier)
        }

        func inject<Carrier, Inject: Injector>(_ context: ServiceContext, into carrier: inout Carrier, using injector: Inject)
        where Inject.Carrier == Carrier {
            if let own = context[Key.self] { injector.inject(own, forKey: "x-span", into: &carrier) }
        }
    }

    @Test func anExchangeIsASpanOfTheProgramsTracer() throws {
        let loop = EmbeddedEventLoop()
        let tracer = RecordingTracer()
        let shard = Shard(
            loop: loop, group: loop, index: 0, logger: Logger(label: "test"), exchangeLog: nil, telemetry: Telemetry(),
            host: .agent,
            tracer: TracerBridge(tracer))
        let request = RequestHead(
            method: "GET", scheme: .http, authority: "example.com", path: "/", fields: HeaderFields([("X-Span", "theirs")]))
        let exchange = Exchange(
            request, from: ExchangeSource(), client: Inbound(channel: EmbeddedChannel(loop: loop), remote: "192.0.2.1:1"), on: shard
        )
        #expect(exchange.request.fields.first("x-span") == "span-0")
        exchange.trace?.begin(.dial)
        exchange.abortResponse(Failure(.unreachable, "nobody is there"))
        let spans = tracer.spans.withLock { $0 }
        #expect(spans.map(\.name) == ["GET", "dial"] && spans.map(\.parent) == ["theirs", "span-0"])
        #expect(spans[0].kind == .server && spans[1].kind == .client)
        for span in spans {
            let (_, status, ended) = span.state.withLock { $0 }
            #expect(status?.code == .error && status?.message == "nobody is there")
            #expect(try #require(ended) >= span.began)
        }
        #expect(spans.allSatisfy { $0.attributes.get("server.address") == .string("example.com") })
        #expect(spans[0].attributes.get("error.type") == .string(Failure.Code.unreachable.name))
    }
}
