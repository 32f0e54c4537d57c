import HTTPMessages
import Pipeline
import Platform

/// Writes exchanges as a request to a collector: `ExportTraceServiceRequest` of OTLP 1, in its JSON form.
package enum OTLPTraces {
    /// What a span is, of the numbers of `SpanKind`.
    private enum Kind: Int64 {
        case `internal` = 1
        case server = 2
        case client = 3
    }

    private struct Span {
        var id: UInt64
        var parent: UInt64?
        var name: String
        var kind: Kind
        var began: UInt64
        var ended: UInt64
        /// Nil where it is no error.
        var problem: String?
        var isError: Bool
    }

    /// The body of the request.
    package static func body(_ exchanges: [RecordedExchange], from resource: OTLPResource) -> [UInt8] {
        var json = JSONText(capacity: exchanges.count * 1_024 + 512)
        json.object { json in
            json.key("resourceSpans")
            json.array { json in
                json.object { json in
                    resource.write(to: &json)
                    json.key("scopeSpans")
                    json.array { json in
                        json.object { json in
                            json.scope()
                            json.key("spans")
                            json.array { json in for exchange in exchanges { write(exchange, to: &json) } }
                        }
                    }
                }
            }
        }
        return json.bytes
    }

    private static func write(_ recorded: RecordedExchange, to json: inout JSONText) {
        let exchange = recorded.exchange
        let trace = recorded.context.traceID
        let own = Span(
            id: recorded.context.parent, parent: recorded.parent, name: exchange.method, kind: .server, began: recorded.began,
            ended: recorded.ended, problem: exchange.problem, isError: exchange.isError)
        write(own, of: trace, to: &json) { json in
            for (name, value) in exchange.attributes { json.attribute(name, value) }
        }
        for part in recorded.parts {
            let span = Span(
                id: part.id, parent: part.parent ?? own.id, name: part.kind.rawValue,
                kind: part.kind.isRemote ? .client : .internal, began: part.began, ended: part.ended,
                problem: part.problem, isError: part.problem != nil)
            write(span, of: trace, to: &json) { json in
                for (name, value) in exchange.attributes(of: part.kind, at: part.place) { json.attribute(name, value) }
            }
        }
    }

    private static func write(_ span: Span, of trace: String, to json: inout JSONText, attributes: (inout JSONText) -> Void) {
        json.object { json in
            json.member("traceId", trace)
            json.member("spanId", ExchangeID(rawValue: span.id).description)
            if let parent = span.parent { json.member("parentSpanId", ExchangeID(rawValue: parent).description) }
            json.member("name", span.name)
            json.member("kind", span.kind.rawValue)
            json.member("startTimeUnixNano", "\(span.began)")
            json.member("endTimeUnixNano", "\(max(span.ended, span.began))")
            json.key("attributes")
            json.array(attributes)
            guard span.isError else { return }
            json.key("status")
            json.object { json in
                // STATUS_CODE_ERROR
                json.member("code", 2)
                if let problem = span.problem { json.member("message", problem) }
            }
        }
    }
}
