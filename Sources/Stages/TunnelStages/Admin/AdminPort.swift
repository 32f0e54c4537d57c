import Addresses
import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// Answers questions about the pipeline that the shard's telemetry is of.
final class AdminPort: ExchangePort {
    private enum Question: String, CaseIterable {
        case livez = "/livez"
        case readyz = "/readyz"
        case metrics = "/metrics"
        case pipeline = "/pipeline"
    }

    /// How long an event loop may take to show that it lives.
    private static let patience = TimeAmount.seconds(2)

    private let names: Set<String>
    private let shard: Shard

    init(names: Set<String>, shard: Shard) {
        self.names = names
        self.shard = shard
    }

    func open(_ exchange: Exchange) {
        guard isAsked(by: exchange.request.host) else {
            return exchange.respond(
                LocalResponse(
                    status: 421, body: "Ask by address or by 'localhost', or add the name to 'names' of 'admin'.\n"))
        }
        let path = exchange.request.path.prefix { $0 != "?" }
        guard let question = Question(rawValue: String(path)) else {
            let known = Question.allCases.map(\.rawValue).joined(separator: ", ")
            return exchange.respond(LocalResponse(status: 404, body: "There are: \(known)\n"))
        }
        guard exchange.request.method == "GET" || exchange.request.method == "HEAD" else {
            return exchange.respond(
                LocalResponse(status: 405, body: "Only GET and HEAD.\n", fields: HeaderFields([("Allow", "GET, HEAD")])))
        }
        if question == .livez { return answerLiveness(exchange) }
        let telemetry = shard.telemetry
        shard.loop.makeFutureWithTask { await Self.answer(question, telemetry) }
            .assumeIsolated().whenSuccess { exchange.respond($0) }
    }

    /// A browser sends whatever name led it here: one that is none of ours may be a site that wants to read this.
    private func isAsked(by host: String) -> Bool {
        let host = host.lowercased()
        return host == "localhost" || names.contains(host) || IPAddress(host: host) != nil
    }

    /// Every loop has to do something before this is answered.
    private func answerLiveness(_ exchange: Exchange) {
        shard.telemetry.silentLoops(within: Self.patience, on: shard.loop).assumeIsolated().whenSuccess { silent in
            exchange.respond(
                silent == 0
                    ? LocalResponse(status: 200, body: "alive\n")
                    : LocalResponse(status: 503, body: "\(silent) event loop(s) don't answer\n"))
        }
    }

    private static func answer(_ question: Question, _ telemetry: Telemetry) async -> LocalResponse {
        switch question {
        case .livez, .readyz:
            let problems = await telemetry.problems()
            guard !problems.isEmpty else { return LocalResponse(status: 200, body: "ready\n") }
            return LocalResponse(status: 503, body: "not ready\n" + problems.map { "- \($0)\n" }.joined())
        case .metrics:
            return response(PrometheusText.write(await telemetry.snapshot()), PrometheusText.contentType)
        case .pipeline:
            return response(await PipelineReport.json(telemetry), "application/json")
        }
    }

    private static func response(_ body: String, _ type: String) -> LocalResponse {
        var response = LocalResponse(status: 200, body: body)
        response.head.fields.set("Content-Type", type)
        response.head.fields.append("Cache-Control", "no-store")
        return response
    }
}

@available(*, unavailable)
extension AdminPort: Sendable {}
