import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The exchanges that an access log in JSON tells of.
package struct LoggedTraffic: Sendable, Equatable {
    /// One exchange, as far as its line says it.
    package struct Exchange: Sendable, Hashable {
        /// The method, CONNECT for a tunnel.
        package var method: String
        /// Host and, where it was given, port; nil with `privacy: none`.
        package var host: String?
        /// The path without its query, with `privacy: path`.
        package var path: String?
        /// Who it was from; nil where nobody knew.
        package var client: String?
        /// The client's address and port.
        package var remote: String?
        /// When it ended, in seconds of the Unix epoch.
        package var time: Int?
        /// The status that the client got; 0 for none.
        package var status: Int
        /// Whether a stage refused it, or would have, as far as the line says.
        package var wasRefused: Bool
    }

    /// The exchanges, in the order of the log.
    package private(set) var exchanges: [Exchange] = []
    /// How many lines are none of an access log in JSON.
    package private(set) var unreadable = 0
    /// Whether there are more than are read.
    package private(set) var isCut = false

    /// The most exchanges that are read.
    package static let limit = 2_000_000
    /// The longest line, in bytes.
    private static let lineLimit = 64 << 10

    /// Reads a log's text.
    package init(_ text: [UInt8]) {
        let decoder = JSONDecoder()
        for line in text.split(separator: 0x0A) {
            guard exchanges.count < Self.limit else {
                isCut = true
                return
            }
            guard line.count <= Self.lineLimit, let read = try? decoder.decode(Line.self, from: Data(line)),
                let exchange = read.exchange
            else {
                unreadable += 1
                continue
            }
            exchanges.append(
                Exchange(
                    method: exchange.method, host: exchange.host, path: exchange.path.flatMap { $0.isEmpty ? nil : $0 },
                    client: exchange.client.flatMap { $0 == "-" ? nil : $0 }, remote: exchange.remote,
                    time: read.time.flatMap(Self.time),
                    status: exchange.status,
                    wasRefused: exchange.verdicts?.contains { $0.verdict == "refused" } ?? (exchange.failure == "forbidden")))
        }
    }

    private struct Line: Decodable {
        struct Exchange: Decodable {
            struct Verdict: Decodable {
                var verdict: String
            }

            var method: String
            var host: String?
            var path: String?
            var client: String?
            var remote: String?
            var status: Int
            var failure: String?
            var verdicts: [Verdict]?
        }

        var time: String?
        var exchange: Exchange?
    }

    /// `2026-12-01T08:12:19.123Z`.
    private static func time(_ text: String) -> Int? {
        LocalTime.epoch(of: text.prefix { $0 != "." && $0 != "Z" } + "Z")
    }
}
