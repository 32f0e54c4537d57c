package import HTTPMessages
package import Instruments
package import Pipeline
import Platform
package import Tracing

/// Records exchanges through swift-distributed-tracing, for programs that embed pipelines and have a tracer. The trace that a request tells of is
/// continued as the tracer understands it, and told to those after it in its fields.
package struct TracerBridge: ExchangeTracer {
    private let tracer: any Tracer

    /// - Parameter tracer: Asked on event loops.
    package init(_ tracer: any Tracer) { self.tracer = tracer }

    package func begin(_ request: inout RequestHead) -> ExchangeTrace? { Self.begin(&request, tracer) }

    private static func begin<Tracing: Tracer>(_ request: inout RequestHead, _ tracer: Tracing) -> ExchangeTrace {
        var context = ServiceContext.topLevel
        tracer.extract(request.fields, into: &context, using: FieldsExtractor())
        let span = tracer.startSpan(ForeignText.line(request.method, limit: 32), context: context, ofKind: .server)
        tracer.inject(span.context, into: &request.fields, using: FieldsInjector())
        return ExchangeTrace(for: BridgedSpan(tracer: tracer, span: span))
    }

    /// The tracer counts its own.
    package var metrics: MetricSnapshot { MetricSnapshot() }
}

private struct FieldsExtractor: Extractor {
    func extract(key: String, from fields: HeaderFields) -> String? { fields.first(key) }
}

private struct FieldsInjector: Injector {
    func inject(_ value: String, forKey key: String, into fields: inout HeaderFields) { fields.set(key, value) }
}

/// The span of an exchange that is open.
private struct BridgedSpan<Tracing: Tracer>: TraceKeeper {
    let tracer: Tracing
    let span: Tracing.Span

    /// The tracer decides itself which it keeps.
    func isWanted(isError: Bool) -> Bool { true }

    func keep(_ trace: ExchangeTrace, of exchange: TracedExchange) {
        var wait = span
        for part in trace.parts {
            let child = tracer.startSpan(
                part.kind.rawValue, context: part.kind.isOfTunnel ? wait.context : span.context,
                ofKind: part.kind.isRemote ? .client : .internal,
                at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: trace.unixTime(part.began)))
            if part.kind == .tunnel { wait = child }
            Self.set(exchange.attributes(of: part.kind, at: part.place), of: child)
            if let problem = part.problem { child.setStatus(SpanStatus(code: .error, message: problem)) }
            let end = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: trace.unixTime(part.ended ?? exchange.ended))
            child.end(at: end)
        }
        Self.set(exchange.attributes, of: span)
        if exchange.isError { span.setStatus(SpanStatus(code: .error, message: exchange.problem)) }
        let end = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: trace.unixTime(exchange.ended))
        span.end(at: end)
    }

    private static func set(_ values: [(name: String, value: TracedExchange.Value)], of span: Tracing.Span) {
        span.updateAttributes { attributes in
            for (name, value) in values {
                switch value {
                case .text(let text): attributes[name] = text
                case .number(let number): attributes[name] = number
                }
            }
        }
    }
}
