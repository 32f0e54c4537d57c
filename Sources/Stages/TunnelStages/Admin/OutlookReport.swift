import Pipeline
import Platform

/// What the running stages would do with an exchange as things are, as JSON. docs/admin.openapi.yaml describes it.
enum OutlookReport {
    static func json(_ telemetry: Telemetry, _ prospect: ExchangeProspect) async -> String {
        let outlooks = await telemetry.outlooks(for: prospect)
        let problems = await telemetry.problems()
        let sessions = await telemetry.sessions()
        var json = JSONText(capacity: 4_096)
        json.object { json in
            json.member("form", LiveReport.form)
            json.member("phase", telemetry.phase.rawValue)
            if let generation = telemetry.control?.generations.last {
                json.member("generation", Int64(generation.number))
                json.member("configuration", generation.configuration)
            }
            json.key("problems")
            json.array { json in for problem in problems { json.value(problem) } }
            json.key("stages")
            json.array { json in
                for (place, outlook) in outlooks {
                    json.object { json in
                        json.member("place", place.path)
                        json.member("name", place.name)
                        if let refusal = outlook.refusal { json.member("refusal", refusal) }
                        json.key("state")
                        json.object { json in for detail in outlook.details { json.member(detail.name, detail.value) } }
                    }
                }
            }
            json.key("sessions")
            AdminReport.list(sessions, in: &json)
        }
        json.newline()
        return json.text
    }
}
