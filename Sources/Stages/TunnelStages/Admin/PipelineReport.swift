import Instruments
import Pipeline
import Platform

/// The running list with each stage's state and counters, as JSON.
enum PipelineReport {
    static func json(_ telemetry: Telemetry) async -> String {
        let statuses = await telemetry.statuses()
        let problems = await telemetry.problems()
        let snapshot = await telemetry.snapshot()
        let activity = await telemetry.activity()
        var json = JSONText(capacity: 4_096)
        json.object { json in
            json.member("phase", telemetry.phase.rawValue)
            json.key("ready")
            json.value(problems.isEmpty)
            json.key("problems")
            json.array { json in for problem in problems { json.value(problem) } }
            json.member("started", Timestamp.utc(telemetry.started))
            json.member("last-activity", Timestamp.utc(activity.lastActivity))
            json.member("open-connections", Int64(activity.openConnections))
            json.member("open-exchanges", Int64(activity.openExchanges))
            json.key("stages")
            json.array { json in
                for (place, status) in statuses { write(place, status, snapshot, into: &json) }
            }
        }
        json.newline()
        return json.text
    }

    private static func write(
        _ place: StagePlace, _ status: StageStatus, _ snapshot: MetricSnapshot, into json: inout JSONText
    ) {
        json.object { json in
            if let number = Int64(place.path) { json.member("place", number) } else { json.member("place", place.path) }
            json.member("name", place.name)
            json.key("ready")
            json.value(status.problem == nil)
            if let problem = status.problem { json.member("problem", problem) }
            json.key("state")
            json.object { json in for detail in status.details { json.member(detail.name, detail.value) } }
            json.key("counters")
            json.object { json in
                for series in snapshot.series where place.labels.allSatisfy(series.key.labels.contains) {
                    write(series, without: place.labels, into: &json)
                }
            }
        }
    }

    private static func write(
        _ series: MetricSnapshot.Series, without labels: [MetricTable.Label], into json: inout JSONText
    ) {
        let rest = series.key.labels.filter { !labels.contains($0) }.map { "\($0.name)=\($0.value)" }
        json.key(rest.isEmpty ? series.key.name : "\(series.key.name){\(rest.joined(separator: ","))}")
        switch series.value {
        case .counter(let value), .gauge(let value):
            json.value(value)
        case .histogram(_, let counts, let sum):
            json.object { json in
                json.member("count", counts.reduce(0, +))
                json.key("sum")
                json.value(sum)
            }
        }
    }
}
