import HTTPMessages
import Instruments
import LivePage
import Logging
import NIOCore
import Pipeline

/// Answers questions about the pipeline that the shard's telemetry is of.
final class AdminPort: ExchangePort {
    /// How long an event loop may take to show that it lives.
    private static let patience = TimeAmount.seconds(2)
    /// More than a level's name is none.
    private static let bodyLimit = 32

    private let gate: AdminGate
    private let history: RecentHistory
    private let feeds: LiveFeeds
    private let shard: Shard

    init(gate: AdminGate, history: RecentHistory, feeds: LiveFeeds, shard: Shard) {
        self.gate = gate
        self.history = history
        self.feeds = feeds
        self.shard = shard
    }

    func open(_ exchange: Exchange) {
        let request = exchange.request
        guard request.kind == .plain else {
            return exchange.respond(LocalResponse(status: 501, body: "There are no tunnels and no WebSockets here.\n"))
        }
        do {
            let question = try AdminQuestion(method: request.method, target: request.path[...])
            if let refusal = gate.refusal(of: Self.gated(exchange), from: question.audience) {
                return exchange.respond(refusal.response)
            }
            if question.audience == .operators {
                shard.telemetry.audit?.record(
                    .adminChange, [.change: "\(request.method) \(request.path)", .remote: exchange.client.remote])
            }
            answer(question, exchange)
        } catch {
            // Who isn't let in isn't told either what there is.
            let refusal = gate.refusal(of: Self.gated(exchange), from: .anybody)
            exchange.respond(refusal?.response ?? error.response)
        }
    }

    private static func gated(_ exchange: Exchange) -> AdminGate.Request {
        let (request, channel) = (exchange.request, exchange.client.channel)
        return AdminGate.Request(
            host: request.host, authorization: request.fields.first("Authorization"),
            fetchSite: request.fields.first("Sec-Fetch-Site"), isOperators: request.fields.first(AdminGate.operatorField) != nil,
            isNavigation: request.fields.first("Sec-Fetch-Mode") == "navigate",
            isLocal: channel.isWithinThisMachine)
    }

    private func answer(_ question: AdminQuestion, _ exchange: Exchange) {
        switch question {
        case .page(let file): exchange.respond(file.head, ByteBuffer(bytes: file.bytes))
        case .livez: answerLiveness(exchange)
        case .events(let query): feeds.begin(exchange, query, history, on: shard)
        case .setLogLevel:
            let control = shard.telemetry.control
            ShortBody.read(from: exchange, limit: Self.bodyLimit) { text in
                exchange.respond(Self.set(text, control))
            }
        case .look(let look):
            let (telemetry, history) = (shard.telemetry, history)
            respond(to: exchange) { await Self.answer(look, telemetry, history) }
        case .change(let change):
            let telemetry = shard.telemetry
            respond(to: exchange) { await Self.perform(change, telemetry) }
        }
    }

    private func respond(to exchange: Exchange, with answer: @escaping @Sendable () async -> LocalResponse) {
        shard.loop.makeFutureWithTask(answer).assumeIsolated().whenSuccess { exchange.respond($0) }
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

    private static func set(_ text: String?, _ control: (any ProgramControl)?) -> LocalResponse {
        guard let level = text.flatMap({ Logger.Level(rawValue: $0.lowercased()) }) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            return LocalResponse(status: 400, body: "The body has to be a level: \(known)\n")
        }
        guard let control else { return .uncontrolled }
        control.setLogLevel(level)
        return .json(AdminReport.logLevel(control))
    }

    private static func answer(
        _ look: AdminLook, _ telemetry: Telemetry, _ history: RecentHistory
    ) async -> LocalResponse {
        switch look {
        case .readyz: return await readiness(telemetry)
        case .metrics: return .text(PrometheusText.write(await telemetry.snapshot()), PrometheusText.contentType)
        case .pipeline: return .json(await PipelineReport.json(telemetry))
        case .live(let query): return .json(await LiveReport(telemetry, query.exchanges).json(history: history.points))
        case .exchanges(let query): return .json(AdminReport.exchanges(await telemetry.openExchanges(query.exchanges)))
        case .sessions: return .json(AdminReport.sessions(await telemetry.sessions()))
        case .certificates: return .json(AdminReport.certificates(await telemetry.statuses()))
        case .generations:
            guard let control = telemetry.control else { return .uncontrolled }
            return .json(AdminReport.generations(control))
        case .logLevel:
            guard let control = telemetry.control else { return .uncontrolled }
            return .json(AdminReport.logLevel(control))
        case .outlook(let prospect):
            return .json(await OutlookReport.json(telemetry, prospect))
        }
    }

    private static func perform(_ change: AdminChange, _ telemetry: Telemetry) async -> LocalResponse {
        switch change {
        case .reload:
            guard let control = telemetry.control else { return .uncontrolled }
            let report = await control.reload()
            return .json(AdminReport.reload(report), status: report.result == .refused ? 409 : 200)
        case .endExchange(let id):
            guard await telemetry.endExchange(id) else { return LocalResponse(status: 404, body: "No such exchange is open.\n") }
            return LocalResponse(status: 200, body: "ended\n")
        case .endSession(let number):
            guard await telemetry.endSession(number) else { return LocalResponse(status: 404, body: "No such session is open.\n") }
            return LocalResponse(status: 200, body: "it takes no more streams, and ends with the last\n")
        }
    }

    private static func readiness(_ telemetry: Telemetry) async -> LocalResponse {
        let problems = await telemetry.problems()
        let warning = telemetry.control?.lastReload?.warning.map { "- \($0)\n" } ?? ""
        guard !problems.isEmpty else { return LocalResponse(status: 200, body: "ready\n" + warning) }
        return LocalResponse(status: 503, body: "not ready\n" + problems.map { "- \($0)\n" }.joined() + warning)
    }
}

@available(*, unavailable)
extension AdminPort: Sendable {}

extension AdminQuestion.Problem {
    /// The answer, which says what there is.
    var response: LocalResponse {
        switch self {
        case .unknown: LocalResponse(status: 404, body: "There are: \(AdminQuestion.paths.joined(separator: ", "))\n")
        case .method(let allowed):
            LocalResponse(status: 405, body: "Only \(allowed).\n", fields: HeaderFields([("Allow", allowed)]))
        case .query(let problem): LocalResponse(status: 400, body: "The query can't be: \(problem).\n")
        }
    }
}

extension LocalResponse {
    /// The program is another's, which alone knows how it is run.
    static let uncontrolled = LocalResponse(
        status: 501, body: "The program that this pipeline is a part of can't be asked for that.\n")

    static func json(_ body: String, status: Int = 200) -> LocalResponse { text(body, "application/json", status: status) }

    /// A text that counts for the moment alone.
    static func text(_ body: String, _ type: String, status: Int = 200) -> LocalResponse {
        var response = LocalResponse(status: status, body: body)
        response.head.fields.set("Content-Type", type)
        response.head.fields.append("Cache-Control", "no-store")
        return response
    }
}
