import HTTPMessages
import NIOCore
package import Pipeline
package import Platform

/// What an exchange's line says.
package struct AccessLogLine: Sendable {
    /// How the line looks.
    package var format: AccessLogFormat
    /// How much the line tells of who asked and for what.
    package var privacy: AccessLogPrivacy
    /// Whether it has what the stages said.
    package var verdicts = false

    /// A writer of lines of this look, which tell no more than this.
    package init(format: AccessLogFormat, privacy: AccessLogPrivacy, verdicts: Bool = false) {
        self.verdicts = verdicts
        self.format = format
        self.privacy = privacy
    }

    /// Appends one line for an exchange that is over, its line feed included.
    package func write(_ exchange: Exchange, into line: inout LineBuffer) {
        switch format {
        case .json: json(exchange, &line)
        case .combined: combined(exchange, &line)
        }
        line.append(0x0A)
    }

    // MARK: - JSON

    private func json(_ exchange: Exchange, _ line: inout LineBuffer) {
        line.append("{\"time\":\"")
        line.appendTime()
        line.append("\",\"exchange\":")
        line.appendObject { json in
            json.member("id", exchange.id.description)
            if privacy != .none {
                json.member("client", exchange.clientName)
                json.member("remote", exchange.client.remote)
            }
            json.member("method", exchange.request.method)
            if privacy != .none { json.member("host", exchange.request.authority) }
            if privacy == .path {
                json.member("path", String(Self.withoutQuery(exchange.request.path)))
                if let agent = exchange.request.fields.first("User-Agent") { json.member("user-agent", agent) }
                if let referer = exchange.request.fields.first("Referer") {
                    json.member("referer", String(Self.withoutQuery(referer)))
                }
            }
            if let route = exchange.route { json.member("route", route) }
            json.member("status", Int64(exchange.response?.status ?? 0))
            json.member("received", exchange.requestBytes)
            json.member("sent", exchange.responseBytes)
            json.member("microseconds", (exchange.ended - exchange.began).nanoseconds / 1_000)
            if let failure = exchange.failure ?? exchange.toldFailure { json.member("failure", failure.code.name) }
            if let trace = TraceContext(in: exchange.request.fields) { json.member("trace", trace.traceID) }
            if verdicts { self.verdicts(exchange.verdicts, &json) }
        }
        line.append("}")
    }

    private func verdicts(_ list: VerdictList, _ json: inout JSONText) {
        json.key("verdicts")
        json.array { json in
            for entry in list.entries {
                json.object { json in
                    json.member("stage", entry.place.name)
                    json.member("place", entry.place.path)
                    json.member("verdict", entry.verdict.kind.rawValue)
                    if let rule = entry.verdict.rule { json.member("rule", rule.description) }
                    // Notes name hosts and people.
                    if privacy != .none, !entry.verdict.note.isEmpty { json.member("note", entry.verdict.note) }
                }
            }
        }
    }

    // MARK: - Combined

    private func combined(_ exchange: Exchange, _ line: inout LineBuffer) {
        if privacy == .none {
            line.append("- - - [")
        } else {
            line.appendEscaped(Self.withoutPort(exchange.client.remote), isWord: true)
            line.append(" - ")
            line.appendEscaped(exchange.clientName, isWord: true)
            line.append(" [")
        }
        line.appendCommonLogTime()
        line.append("] \"")
        line.appendEscaped(exchange.request.method, isWord: true)
        line.append(" ")
        target(exchange.request, &line)
        line.append(" HTTP/1.1\" \(exchange.response?.status ?? 0) \(exchange.responseBytes) \"")
        field("Referer", exchange, &line)
        line.append("\" \"")
        field("User-Agent", exchange, &line)
        line.append("\"")
    }

    private func target(_ request: RequestHead, _ line: inout LineBuffer) {
        guard privacy != .none else { return line.append("-") }
        if request.kind != .tunnel { line.append("\(request.scheme.name)://") }
        line.appendEscaped(request.authority, isWord: true)
        if privacy == .path { line.appendEscaped(Self.withoutQuery(request.path), isWord: true) }
    }

    private func field(_ name: String, _ exchange: Exchange, _ line: inout LineBuffer) {
        guard privacy == .path, let value = exchange.request.fields.first(name) else { return line.append("-") }
        line.appendEscaped(name == "Referer" ? Self.withoutQuery(value) : value[...])
    }

    private static func withoutQuery(_ text: String) -> Substring { text.prefix { $0 != "?" && $0 != "#" } }

    private static func withoutPort(_ remote: String) -> Substring {
        guard let colon = remote.lastIndex(of: ":") else { return remote[...] }
        return remote[..<colon]
    }
}
