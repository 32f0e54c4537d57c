import HTTPMessages
import Hosting
import NIOCore
import Pipeline
import Platform

/// What a running program would do with an exchange as things are.
struct LiveOutlook: Decodable, Sendable, Equatable {
    /// One of its stages.
    struct Stage: Decodable, Sendable, Equatable {
        /// Its place in the list, and its name.
        var place, name: String
        /// Why it would refuse the exchange or couldn't carry it on.
        var refusal: String?
        /// What there is to know: how much of a limit is left, say.
        var state: [String: String]
    }

    /// A connection between agent and server.
    struct Session: Decodable, Sendable, Equatable {
        var number: UInt64
        var codec, peer, remote: String
        var streams: Int64
    }

    var phase: String
    var generation: Int?
    /// SHA-256 of the configuration that it runs with.
    var configuration: String?
    var problems: [String]
    var stages: [Stage]
    var sessions: [Session]
}

extension Explanation {
    /// The same with what the programs say that run with the configurations, or why one can't be asked: a server's admin listener is often
    /// within reach of its own machine alone.
    func askingRunning(_ question: Question) async -> Explanation {
        var explanation = self
        for index in ends.indices {
            do {
                explanation.ends[index].live = try await Self.ask(ends[index], question)
            } catch {
                explanation.ends[index].problem = ConnectionFailure.words(for: error)
            }
        }
        return explanation
    }

    /// Whether no program could be asked.
    var isWithoutLive: Bool { ends.allSatisfy { $0.live == nil } }

    private static func ask(_ end: End, _ question: Question) async throws -> LiveOutlook {
        let certified = end.configuration.verifiesClients ? question.clientName : nil
        let path = Self.path(end.request, from: question.remote, client: end.identity?.name ?? certified)
        return try LiveDocument.read(LiveOutlook.self, try await AdminClient(end.configuration).document(path))
    }

    private static func path(_ request: RequestHead, from remote: String, client: String?) -> String {
        let place = Authority(request.authority) ?? Authority(host: request.host, port: nil)
        let port = place.port ?? request.scheme.defaultPort
        var members = [("target", place.host.contains(":") ? "[\(place.host)]:\(port)" : "\(place.host):\(port)")]
        if let client { members.append(("client", client)) }
        if let address = Authority(remote)?.host { members.append(("address", address)) }
        return "/outlook?" + members.map { "\($0.0)=\(AdminClient.escaped($0.1))" }.joined(separator: "&")
    }
}

extension Explanation.End {
    /// What its running program says, a line each; none where it wasn't asked.
    var liveLines: [String] {
        if let problem {
            return ["now: can't be asked: \(ForeignText.line(problem, limit: 300)); run it on that machine"]
        }
        guard let live else { return [] }
        func shown(_ text: String) -> String { ForeignText.line(text, limit: 300) }
        var lines: [String] = []
        let isSame = live.configuration == nil || live.configuration == configuration.hash256
        lines.append("now, in the running program:" + (isSame ? "" : " (it runs another configuration than this file's)"))
        for problem in live.problems { lines.append("  it takes no work: \(shown(problem))") }
        for step in steps {
            guard let stage = live.stages.first(where: { $0.place == step.place.path && $0.name == step.place.name }) else {
                continue
            }
            var words = stage.state.sorted { $0.key < $1.key }.map { "\(shown($0.key)) \(shown($0.value))" }
            if let refusal = stage.refusal { words.insert("refuses: \(shown(refusal))", at: 0) }
            if !words.isEmpty { lines.append("  \(step.place.path) \(step.place.name): \(words.joined(separator: "; "))") }
        }
        lines.append("  sessions: \(live.sessions.isEmpty ? "none" : "")")
        for session in live.sessions {
            let words = "\(session.number) \(session.codec) \(session.peer) \(session.remote), \(session.streams) open"
            lines.append("    " + shown(words))
        }
        return lines
    }
}
