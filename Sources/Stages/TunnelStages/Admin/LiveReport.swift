import Instruments
import Pipeline
import Platform

/// Everything that the live page shows, as it is at one moment.
struct LiveReport: Sendable {
    /// The form of the JSON that is written. A member may be added in a form; one that goes or changes its meaning makes another.
    static let form: Int64 = 1

    private let telemetry: Telemetry
    private let statuses: [(place: StagePlace, status: StageStatus)]
    private let problems: [String]
    private let snapshot: MetricSnapshot
    private let sessions: [SessionView]
    private let exchanges: OpenExchanges

    init(_ telemetry: Telemetry, _ query: ExchangeQuery) async {
        self.telemetry = telemetry
        statuses = await telemetry.statuses()
        problems = await telemetry.problems()
        snapshot = await telemetry.snapshot()
        sessions = await telemetry.sessions()
        exchanges = await telemetry.openExchanges(query)
    }

    /// One line.
    /// - Parameter history: What was counted before; nil for whoever has it.
    func json(history: [RecentHistory.Point]?) -> String {
        var json = JSONText(capacity: 16_384)
        json.object { json in
            json.member("form", Self.form)
            json.member("version", ProgramVersion.number)
            json.member("phase", telemetry.phase.rawValue)
            json.key("ready")
            json.value(problems.isEmpty)
            json.key("problems")
            json.array { json in for problem in problems { json.value(problem) } }
            json.member("started", Int64(telemetry.started))
            json.member("now", Int64(WallTime.seconds))
            json.member("memory", Int64(snapshot.sum("process_resident_memory_bytes")))
            json.key("cpu")
            json.value(snapshot.sum("process_cpu_seconds_total"))
            if let control = telemetry.control { AdminReport.members(of: control, in: &json) }
            json.key("totals")
            totals(&json)
            json.key("stages")
            json.array { json in for (place, status) in statuses { stage(place, status, &json) } }
            json.key("sessions")
            AdminReport.list(sessions, in: &json)
            json.key("exchanges")
            AdminReport.list(exchanges, in: &json)
            json.key("certificates")
            AdminReport.list(statuses, in: &json)
            if let history { points(history, &json) }
        }
        json.newline()
        return json.text
    }

    private func totals(_ json: inout JSONText) {
        json.object { json in
            let point = RecentHistory.Point(snapshot, time: 0)
            json.member("begun", point.begun)
            json.member("failed", point.failed)
            json.member("refused", Int64(snapshot.sum("fluidity_exchanges_ended_total", .init("outcome", "refused"))))
            json.member("open", point.openExchanges)
            json.member("connections", Int64(snapshot.sum("fluidity_accept_connections_open")))
            json.member("received", point.received)
            json.member("sent", point.sent)
        }
    }

    private func stage(_ place: StagePlace, _ status: StageStatus, _ json: inout JSONText) {
        func sum(_ name: String, _ labels: MetricTable.Label...) -> Int64 {
            Int64(snapshot.sum(name, in: place.labels + labels))
        }
        json.object { json in
            json.member("place", place.path)
            json.member("name", place.name)
            if let problem = status.problem { json.member("problem", problem) }
            json.key("state")
            json.object { json in for detail in status.details { json.member(detail.name, detail.value) } }
            json.member("connections", sum("fluidity_stage_connections_in_total"))
            json.member("connections-open", sum("fluidity_stage_connections_open"))
            json.member("in", sum("fluidity_stage_exchanges_in_total"))
            json.member("out", sum("fluidity_stage_exchanges_out_total"))
            json.member("open", sum("fluidity_stage_exchanges_open"))
            json.member("refused", sum("fluidity_stage_exchanges_ended_total", .init("outcome", "refused")))
            json.member("failed", sum("fluidity_stage_exchanges_ended_total", .init("outcome", "failed")))
            json.member("received", sum("fluidity_stage_request_bytes_total"))
            json.member("sent", sum("fluidity_stage_response_bytes_total"))
            let time = snapshot.histogram("fluidity_stage_time_seconds", in: place.labels)
            json.member("timed", time.count)
            json.key("time")
            json.value(time.sum)
        }
    }

    private func points(_ history: [RecentHistory.Point], _ json: inout JSONText) {
        json.key("history")
        json.array { json in
            for point in history {
                json.array { json in
                    for value in [Int64(point.time), point.begun, point.failed, point.received, point.sent, point.openExchanges] {
                        json.value(value)
                    }
                }
            }
        }
    }
}

extension RecentHistory.Point {
    init(_ snapshot: MetricSnapshot, time: Int) {
        self.init(
            time: time, begun: Int64(snapshot.sum("fluidity_exchanges_begun_total")),
            failed: Int64(snapshot.sum("fluidity_exchanges_ended_total", .init("outcome", "failed"))),
            received: Int64(snapshot.sum("fluidity_exchange_request_bytes_total")),
            sent: Int64(snapshot.sum("fluidity_exchange_response_bytes_total")),
            openExchanges: Int64(snapshot.sum("fluidity_exchanges_open")))
    }
}

extension MetricSnapshot {
    /// The sum of the series of a name that have all of these labels.
    fileprivate func sum(_ name: String, in labels: [MetricTable.Label]) -> Double {
        series.reduce(0) { total, series in
            guard series.key.name == name, labels.allSatisfy(series.key.labels.contains) else { return total }
            switch series.value {
            case .counter(let value), .gauge(let value): return total + value
            case .histogram: return total
            }
        }
    }

    /// What a histogram has counted, and the sum of it.
    fileprivate func histogram(_ name: String, in labels: [MetricTable.Label]) -> (count: Int64, sum: Double) {
        series.reduce((0, 0)) { total, series in
            guard series.key.name == name, labels.allSatisfy(series.key.labels.contains),
                case .histogram(_, let counts, let sum) = series.value
            else { return total }
            return (total.0 + counts.reduce(0, +), total.1 + sum)
        }
    }
}
