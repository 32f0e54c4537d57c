import ArgumentParser
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "List the connections between agents and servers that a running program has.",
        discussion: """
            EXAMPLES
              fluidity sessions --config server.yaml
              fluidity sessions --config server.yaml --json
              fluidity sessions --config server.yaml --end 7
            """)

    @OptionGroup var program: RunningProgram

    @Flag(help: "Print what the admin listener answers, as docs/admin.openapi.yaml describes it.")
    var json = false

    @Option(help: ArgumentHelp("Have this session take nothing new and end with its last stream.", valueName: "session"))
    var end: UInt64?

    func run() async throws {
        try await Reporting.run {
            let admin = try program.admin()
            if let end { return try await Ending.end("/sessions/\(end)", admin) }
            let document = try await admin.document("/sessions")
            if json { return print(String(decoding: document, as: UTF8.self), terminator: "") }
            let sessions = try LiveDocument.read(LiveDocument.Sessions.self, document).sessions
            let now = Int64(Date().timeIntervalSince1970)
            for line in TopScreen.table(of: sessions, at: now).lines { print(line) }
        }
    }
}

struct ExchangesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exchanges",
        abstract: "List the exchanges that are open in a running program, the oldest first.",
        discussion: """
            EXAMPLES
              fluidity exchanges
              fluidity exchanges --search example.com
              fluidity exchanges --config server.yaml --json
              fluidity exchanges --end 0123456789abcdef
            """)

    @OptionGroup var program: RunningProgram

    @Option(help: "Only those that have this in their target, client or address.")
    var search: String?

    @Option(help: "So many at most, from 1 to 10,000.")
    var limit = 1_000

    @Flag(help: "Print what the admin listener answers, as docs/admin.openapi.yaml describes it.")
    var json = false

    @Option(help: ArgumentHelp("End this exchange.", valueName: "exchange"))
    var end: String?

    func run() async throws {
        try await Reporting.run {
            let admin = try program.admin()
            if let end { return try await Ending.end("/exchanges/\(AdminClient.escaped(end))", admin) }
            let query = "limit=\(limit)" + (search.map { "&search=\(AdminClient.escaped($0))" } ?? "")
            let document = try await admin.document("/exchanges?\(query)")
            if json { return print(String(decoding: document, as: UTF8.self), terminator: "") }
            let exchanges = try LiveDocument.read(LiveDocument.Exchanges.self, document)
            for line in TopScreen.table(of: exchanges.exchanges).lines { print(line) }
            if exchanges.exchanges.count < exchanges.open { print("\(exchanges.exchanges.count) of \(exchanges.open)") }
        }
    }
}

/// Ends something of a running program.
private enum Ending {
    static func end(_ path: String, _ admin: AdminClient) async throws {
        let answer = try await admin.ask(path, method: "DELETE")
        guard answer.status == 200 else { throw admin.refused(answer) }
        print(answer.text, terminator: "")
    }
}
