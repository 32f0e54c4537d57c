import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What the admin listener tells at `/live`, as far as a terminal shows it. docs/admin.openapi.yaml describes it.
struct LiveDocument: Decodable, Sendable {
    struct Totals: Decodable, Sendable {
        var begun, failed, refused, open, connections, received, sent: Int64
    }

    struct Stage: Decodable, Sendable {
        var place, name: String
        var problem: String?
        var connections, `in`, open, refused, failed, received, sent, timed: Int64
        var connectionsOpen: Int64
        /// Seconds that exchanges were at the stage, in all.
        var time: Double

        enum CodingKeys: String, CodingKey {
            case place, name, problem, connections, `in`, open, refused, failed, received, sent, timed, time
            case connectionsOpen = "connections-open"
        }

        /// What has come to it: exchanges, or connections where it takes those.
        var entered: Int64 { `in` > 0 ? `in` : connections }
    }

    struct Session: Decodable, Sendable {
        var number: UInt64
        var side, codec, peer, remote: String
        var since, streams: Int64
        var roundTrip, received, sent, certificateEnd: Int64?

        enum CodingKeys: String, CodingKey {
            case number, side, codec, peer, remote, since, streams, received, sent
            case roundTrip = "round-trip-microseconds"
            case certificateEnd = "certificate-end"
        }
    }

    struct Exchange: Decodable, Sendable {
        var id, client, remote, method, target: String
        var route, stage: String?
        var status: Int?
        var age, received, sent: Int64

        enum CodingKeys: String, CodingKey {
            case id, client, remote, method, target, route, stage, status, received, sent
            case age = "age-milliseconds"
        }
    }

    struct Exchanges: Decodable, Sendable {
        var open: Int64
        var exchanges: [Exchange]
    }

    struct Sessions: Decodable, Sendable {
        var sessions: [Session]
    }

    struct Reload: Decodable, Sendable {
        var result: String
        var message: String?
        var generation: Int
    }

    struct Reloaded: Decodable, Sendable {
        var reload: Reload
    }

    var version, phase: String
    var ready: Bool
    var problems: [String]
    var started, now, memory: Int64
    var cpu: Double
    var generation: Int?
    var totals: Totals
    var stages: [Stage]
    var sessions: [Session]
    var exchanges: Exchanges

    /// Reads what a listener answered; another program's answer is told as such.
    static func read<Document: Decodable>(_ type: Document.Type, _ bytes: [UInt8]) throws -> Document {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw StageError(.unavailable, "what answers tells something else than this version of fluidity understands")
        }
    }
}
