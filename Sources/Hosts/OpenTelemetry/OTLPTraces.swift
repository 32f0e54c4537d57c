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
            ended: recorded.ended, problem: exchange.failure?.message, isError: exchange.isError)
        write(own, of: trace, to: &json) { json in
            json.attribute("http.request.method", exchange.method)
            json.attribute("server.address", exchange.host)
            if let port = exchange.port { json.attribute("server.port", Int64(port)) }
            if let status = exchange.status { json.attribute("http.response.status_code", Int64(status)) }
            if exchange.isError {
                json.attribute("error.type", exchange.failure?.code.name ?? exchange.status.map { "\($0)" } ?? exchange.outcome)
            }
            json.attribute("fluidity.exchange", exchange.id.description)
            json.attribute("fluidity.outcome", exchange.outcome)
            if let failure = exchange.failure { json.attribute("fluidity.reason", failure.code.name) }
            if let route = exchange.route { json.attribute("fluidity.route", route) }
            json.attribute("http.request.body.size", exchange.received)
            json.attribute("http.response.body.size", exchange.sent)
        }
        for part in recorded.parts {
            let span = Span(
                id: .random(in: 1 ... .max), parent: own.id, name: part.kind.rawValue,
                kind: part.kind == .tunnel || part.kind == .connection ? .internal : .client, began: part.began, ended: part.ended,
                problem: part.problem, isError: part.problem != nil)
            write(span, of: trace, to: &json) { json in
                if part.kind != .tunnel { json.attribute("server.address", exchange.host) }
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
                if let problem = span.problem { json.member("message", ForeignText.line(problem, limit: 300)) }
            }
        }
    }
}
