import Logging
import Pipeline
import Platform

/// What the admin listener tells as JSON. docs/admin.openapi.yaml describes it.
enum AdminReport {
    static func exchanges(_ exchanges: OpenExchanges) -> String { document { list(exchanges, in: &$0) } }

    static func sessions(_ sessions: [SessionView]) -> String {
        document { json in
            json.object { json in
                json.member("form", LiveReport.form)
                json.key("sessions")
                list(sessions, in: &json)
            }
        }
    }

    static func certificates(_ statuses: [(place: StagePlace, status: StageStatus)]) -> String {
        document { json in
            json.object { json in
                json.member("form", LiveReport.form)
                json.key("certificates")
                list(statuses, in: &json)
            }
        }
    }

    static func generations(_ control: any ProgramControl) -> String {
        document { json in
            json.object { json in
                json.member("form", LiveReport.form)
                members(of: control, in: &json)
            }
        }
    }

    static func logLevel(_ control: any ProgramControl) -> String {
        document { json in
            json.object { json in
                json.member("form", LiveReport.form)
                json.member("log-level", control.logLevel.rawValue)
            }
        }
    }

    static func reload(_ report: ReloadReport) -> String {
        document { json in
            json.object { json in
                json.member("form", LiveReport.form)
                json.key("reload")
                write(report, in: &json)
            }
        }
    }

    // MARK: - Parts

    static func members(of control: any ProgramControl, in json: inout JSONText) {
        let generations = control.generations
        json.member("generation", Int64(generations.last?.number ?? 0))
        json.member("log-level", control.logLevel.rawValue)
        json.key("generations")
        json.array { json in
            for generation in generations {
                json.object { json in
                    json.member("number", Int64(generation.number))
                    json.member("since", Int64(generation.since))
                    json.key("draining")
                    json.value(generation.isDraining)
                    json.member("configuration", generation.configuration)
                }
            }
        }
        json.key("reload")
        if let report = control.lastReload { write(report, in: &json) } else { json.null() }
    }

    private static func write(_ report: ReloadReport, in json: inout JSONText) {
        json.object { json in
            json.member("result", report.result.rawValue)
            if let message = report.message { json.member("message", message) }
            json.member("generation", Int64(report.generation))
            json.member("time", Int64(report.time))
        }
    }

    static func list(_ exchanges: OpenExchanges, in json: inout JSONText) {
        json.object { json in
            json.member("form", LiveReport.form)
            json.member("open", Int64(exchanges.count))
            json.key("exchanges")
            json.array { json in for exchange in exchanges.shown { write(exchange, in: &json) } }
        }
    }

    private static func write(_ exchange: OpenExchange, in json: inout JSONText) {
        json.object { json in
            json.member("id", exchange.id.description)
            json.member("client", exchange.client)
            json.member("remote", exchange.remote)
            json.member("method", exchange.method)
            json.member("target", exchange.target)
            if let route = exchange.route { json.member("route", route) }
            if let stage = exchange.stage { json.member("stage", "\(stage.path) \(stage.name)") }
            if let status = exchange.status { json.member("status", Int64(status)) }
            json.member("age-milliseconds", exchange.age)
            json.member("received", exchange.received)
            json.member("sent", exchange.sent)
        }
    }

    static func list(_ sessions: [SessionView], in json: inout JSONText) {
        json.array { json in for session in sessions { write(session, in: &json) } }
    }

    private static func write(_ session: SessionView, in json: inout JSONText) {
        json.object { json in
            json.member("number", Int64(clamping: session.number))
            json.member("side", session.side.rawValue)
            json.member("codec", session.codec)
            json.member("peer", session.peer)
            json.member("remote", session.remote)
            json.member("since", Int64(session.since))
            json.member("streams", Int64(session.streams))
            if let end = session.certificateEnd { json.member("certificate-end", Int64(end)) }
            guard let traffic = session.traffic else { return }
            json.member("round-trip-microseconds", traffic.roundTrip)
            json.member("received", traffic.received)
            json.member("sent", traffic.sent)
        }
    }

    static func list(_ statuses: [(place: StagePlace, status: StageStatus)], in json: inout JSONText) {
        json.array { json in
            for (place, status) in statuses {
                guard let certificate = status.certificate else { continue }
                json.object { json in
                    json.member("stage", "\(place.path) \(place.name)")
                    json.member("subject", certificate.subject)
                    json.key("names")
                    json.array { json in for name in certificate.names { json.value(name) } }
                    json.member("end", Int64(certificate.end))
                }
            }
        }
    }

    private static func document(_ body: (inout JSONText) -> Void) -> String {
        var json = JSONText(capacity: 4_096)
        body(&json)
        json.newline()
        return json.text
    }
}
