import HTTPMessages
import Hosting
import NIOCore
import Pipeline

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
    /// The same with what the programs say that run with the configurations. Throws where one isn't there to be asked.
    func askingRunning(_ question: Question) async throws -> Explanation {
        var explanation = self
        for index in ends.indices {
            let end = ends[index]
            let certified = end.configuration.verifiesClients ? question.clientName : nil
            let path = Self.path(question, client: end.identity?.name ?? certified)
            let body = try await AdminClient(end.configuration).document(path)
            explanation.ends[index].live = try LiveDocument.read(LiveOutlook.self, body)
        }
        return explanation
    }

    private static func path(_ question: Question, client: String?) -> String {
        let request = question.request
        let place = Authority(request.authority) ?? Authority(host: request.host, port: nil)
        let port = place.port ?? request.scheme.defaultPort
        var members = [("target", place.host.contains(":") ? "[\(place.host)]:\(port)" : "\(place.host):\(port)")]
        if let client { members.append(("client", client)) }
        if let address = Authority(question.remote)?.host { members.append(("address", address)) }
        return "/outlook?" + members.map { "\($0.0)=\(escaped($0.1))" }.joined(separator: "&")
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            HTTPGrammar.isTokenByte(byte) && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "&") && byte != UInt8(ascii: "+")
                && byte != UInt8(ascii: "#")
                ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}

extension Explanation.End {
    /// What its running program says, a line each; none where it wasn't asked.
    var liveLines: [String] {
        guard let live else { return [] }
        var lines: [String] = []
        let isSame = live.configuration == nil || live.configuration == configuration.hash256
        lines.append("now, in the running program:" + (isSame ? "" : " (it runs another configuration than this file's)"))
        for problem in live.problems { lines.append("  it takes no work: \(problem)") }
        for step in steps {
            guard let stage = live.stages.first(where: { $0.place == step.place.path && $0.name == step.place.name }) else {
                continue
            }
            var words = stage.state.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            if let refusal = stage.refusal { words.insert("refuses: \(refusal)", at: 0) }
            if !words.isEmpty { lines.append("  \(stage.place) \(stage.name): \(words.joined(separator: "; "))") }
        }
        lines.append("  sessions: \(live.sessions.isEmpty ? "none" : "")")
        for session in live.sessions {
            lines.append("    \(session.number) \(session.codec) \(session.peer) \(session.remote), \(session.streams) open")
        }
        return lines
    }
}
