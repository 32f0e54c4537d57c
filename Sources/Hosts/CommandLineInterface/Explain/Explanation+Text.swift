import ConfigurationLanguage
import HTTPMessages
import Pipeline
import Platform

extension Explanation {
    /// The explanation for people: each end with its stages, then what the client gets.
    package var text: String {
        var lines: [String] = []
        for end in ends {
            lines.append("\(end.configuration.file) (\(end.configuration.host.rawValue))")
            let rows = end.steps.map { step in
                (
                    place: step.place.path, name: end.name(step), kind: step.verdict.kind.rawValue,
                    line: step.verdict.rule.map { "rule \($0)" } ?? end.line(step) ?? "", note: step.verdict.note
                )
            }
            func width(_ column: [String]) -> Int { column.map(\.count).max() ?? 0 }
            let (places, names, kinds, places2) = (
                width(rows.map(\.place)), width(rows.map(\.name)), width(rows.map(\.kind)), width(rows.map(\.line))
            )
            for row in rows {
                let cells = [
                    Self.padded(row.place, places), Self.padded(row.name, names), Self.padded(row.kind, kinds),
                    Self.padded(row.line, places2), row.note,
                ]
                lines.append("  " + cells.joined(separator: "  ").trimmed)
            }
            if let identity = end.identity {
                lines.append("  it is from '\(ForeignText.line(identity.name, limit: 100))', by \(identity.method)")
            }
            if let route = end.route { lines.append("  the branch '\(route)' takes it") }
            lines += end.liveLines.map { "  \($0)".trimmed }
        }
        lines.append(ending)
        if lacksAddress {
            lines.append("Where the name leads to isn't known here, and may decide too: say it with --resolve ADDRESS.")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var ending: String {
        guard let response else { return "The client gets no answer: \(failure?.message ?? "its connection is reset")." }
        let status = "\(response.status) \(response.reason)".trimmed
        if reachesOrigin, failure == nil, let end = ends.last, let last = end.steps.last, end.entry(last)?.form.output == .outbound
        {
            return
                "It would be carried to the other end of the tunnel. (Name that end's file too, to see what becomes of it there.)"
        }
        if reachesOrigin, failure == nil { return "It would be sent to its origin. (Here that answers with \(status).)" }
        return "The client gets \(status)\(failure.map { ": \($0.message)" } ?? "")."
    }

    /// The explanation for programs: one JSON object.
    package var json: String {
        var json = JSONText()
        json.object { json in
            json.key("ends")
            json.array { json in
                for end in ends {
                    json.object { json in
                        json.member("file", end.configuration.file)
                        json.member("host", end.configuration.host.rawValue)
                        if let route = end.route { json.member("route", route) }
                        if let identity = end.identity { json.member("identity", identity.name) }
                        if let live = end.live { Self.write(live, to: &json) }
                        if let problem = end.problem { json.member("problem", problem) }
                        json.key("verdicts")
                        json.array { json in
                            for step in end.steps {
                                json.object { json in
                                    json.member("stage", end.name(step))
                                    json.member("place", step.place.path)
                                    json.member("verdict", step.verdict.kind.rawValue)
                                    if let rule = step.verdict.rule { json.member("rule", rule.description) }
                                    if let line = end.line(step) { json.member("line", line) }
                                    if !step.verdict.note.isEmpty { json.member("note", step.verdict.note) }
                                }
                            }
                        }
                    }
                }
            }
            json.member("status", Int64(response?.status ?? 0))
            json.key("reaches-origin")
            json.value(reachesOrigin && failure == nil)
            if let failure { json.member("failure", failure.message) }
            json.key("lacks-address")
            json.value(lacksAddress)
        }
        return json.text
    }

    private static func write(_ live: LiveOutlook, to json: inout JSONText) {
        json.key("live")
        json.object { json in
            json.member("phase", live.phase)
            if let generation = live.generation { json.member("generation", Int64(generation)) }
            if let configuration = live.configuration { json.member("configuration", configuration) }
            json.key("problems")
            json.array { json in for problem in live.problems { json.value(problem) } }
            json.key("stages")
            json.array { json in
                for stage in live.stages {
                    json.object { json in
                        json.member("place", stage.place)
                        json.member("name", stage.name)
                        if let refusal = stage.refusal { json.member("refusal", refusal) }
                        json.key("state")
                        json.object { json in
                            for (key, value) in stage.state.sorted(by: { $0.key < $1.key }) { json.member(key, value) }
                        }
                    }
                }
            }
            json.key("sessions")
            json.array { json in
                for session in live.sessions {
                    json.object { json in
                        json.member("number", Int64(clamping: session.number))
                        json.member("codec", session.codec)
                        json.member("peer", session.peer)
                        json.member("remote", session.remote)
                        json.member("streams", session.streams)
                    }
                }
            }
        }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

extension String {
    /// Without blanks at its end.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
