import ConfigurationLanguage
import HTTPMessages
package import Logging
package import Pipeline
import Platform

/// Which exchanges of a log two configurations would treat differently. Each kind of exchange is carried through the stages of both, without a
/// network (`Explanation`).
package struct TrafficDifference: Sendable {
    /// Exchanges that are alike, and what would become of them.
    package struct Group: Sendable, Equatable {
        /// The request, as it is shown.
        package var request: String
        /// Who it was from; nil for nobody known.
        package var client: String?
        /// How many there were.
        package var count: Int
        /// What the old configuration does.
        package var old: String
        /// What the new one does.
        package var new: String
    }

    /// The most kinds of exchanges that are tried.
    package static let limit = 20_000

    /// Those that are treated differently, the most frequent first.
    package private(set) var groups: [Group] = []
    /// How many exchanges were compared.
    package private(set) var compared = 0
    /// How many weren't: their line names no host, or there were too many kinds.
    package private(set) var leftOut = 0

    private struct Kind: Hashable {
        var method: String
        var url: String
        var client: String?
        var remote: String?
        var minute: Int?
    }

    /// Compares what becomes of a log's exchanges.
    package static func make(
        _ traffic: LoggedTraffic, old: LoadedConfiguration, new: LoadedConfiguration, logger: Logger
    ) async throws -> TrafficDifference {
        var difference = TrafficDifference()
        var counts: [Kind: Int] = [:]
        var order: [Kind] = []
        let (asksTime, asksClients) = (asks(old, new, ["hours", "weekdays"]), asks(old, new, ["clients"]))
        for exchange in traffic.exchanges {
            guard let host = exchange.host else {
                difference.leftOut += 1
                continue
            }
            let kind = Kind(
                method: exchange.method, url: exchange.method == "CONNECT" ? host : "http://\(host)\(exchange.path ?? "/")",
                client: exchange.client, remote: asksClients ? exchange.remote : nil,
                minute: asksTime ? exchange.time.map { $0 / 60 } : nil)
            if let count = counts[kind] {
                counts[kind] = count + 1
            } else if order.count < limit {
                counts[kind] = 1
                order.append(kind)
            } else {
                difference.leftOut += 1
            }
        }
        for kind in order {
            let count = counts[kind] ?? 0
            guard let request = RequestHead(method: kind.method, url: kind.url, fields: HeaderFields()) else {
                difference.leftOut += count
                continue
            }
            var question = Explanation.Question(request)
            question.clientName = kind.client
            question.remote = kind.remote ?? question.remote
            question.time = kind.minute.map { $0 * 60 }
            let before = try await Explanation.make(question, through: [old], logger: logger).summary
            let after = try await Explanation.make(question, through: [new], logger: logger).summary
            difference.compared += count
            guard before.fate != after.fate else { continue }
            difference.groups.append(
                Group(
                    request: "\(kind.method) \(ForeignText.line(kind.url, limit: 120))",
                    client: kind.client.map { ForeignText.line($0, limit: 60) }, count: count, old: before.words, new: after.words))
        }
        difference.groups.sort { ($1.count, $0.request) < ($0.count, $1.request) }
        return difference
    }

    /// Whether one of the two has rules that go by a key.
    private static func asks(_ old: LoadedConfiguration, _ new: LoadedConfiguration, _ keys: [String]) -> Bool {
        keys.contains { key in [old, new].contains { $0.texts.contains { $0.contains(key) } } }
    }

    /// The differences for people: at most so many kinds as examples.
    package func text(examples: Int = 20) -> String {
        let different = groups.reduce(0) { $0 + $1.count }
        var text = "Of \(compared) exchanges, \(different) would be treated differently.\n"
        for group in groups.prefix(examples) {
            text += "\(group.count) x \(group.request)\(group.client.map { " of '\($0)'" } ?? "")\n"
            text += "    before: \(group.old)\n    now:    \(group.new)\n"
        }
        if groups.count > examples { text += "and \(groups.count - examples) more kinds of exchanges\n" }
        if leftOut > 0 {
            text += "\(leftOut) weren't compared: their lines name no host that can be asked for, or there are too many kinds.\n"
        }
        return text
    }
}

extension Explanation {
    /// What becomes of the exchange: what is compared, and how it is told.
    fileprivate var summary: (fate: [String], words: String) {
        let end = ends.last
        let decisive = end?.steps.last { $0.verdict.kind == .refused || $0.verdict.kind == .wouldRefuse } ?? end?.steps.last
        let route = end?.route ?? ""
        let observed = end?.steps.filter { $0.verdict.kind == .wouldRefuse }.map { $0.place.name } ?? []
        let place = decisive.flatMap { $0.verdict.rule?.description ?? end?.line($0) } ?? ""
        let isOn = reachesOrigin && failure == nil
        let fate = [isOn ? "on" : "\(response?.status ?? 0)", isOn ? "" : decisive?.place.name ?? "", route] + observed
        var words = isOn ? "goes on" : "\(response?.status ?? 0) from '\(decisive.map { end?.name($0) ?? $0.place.name } ?? "-")'"
        if !route.isEmpty { words += ", by the branch '\(route)'" }
        if !observed.isEmpty { words += ", would be refused by \(observed.map { "'\($0)'" }.joined(separator: ", "))" }
        if !isOn || !observed.isEmpty, !place.isEmpty { words += " (\(place))" }
        return (fate, words)
    }
}
