import ArgumentParser
import ConfigurationLanguage
import Pipeline
import Platform
import TunnelStages

/// `fluidity agents`.
struct AgentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents",
        abstract: "List the machines that have joined, or revoke one.",
        discussion: """
            Run it on the server's machine, with the server's configuration, whose 'mtls' and 'enrol' name a folder with 'agents'. \
            A server that runs ends the connections of who is revoked within two seconds, and lets them in no more; it needs no \
            restart. Who is revoked may be invited anew, and joins with a new key.

            EXAMPLES
              fluidity agents
              fluidity agents --json
              fluidity agents --revoke laptop
            """)

    @Option(name: .shortAndLong, help: "The server's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Flag(help: "Print everything that is known as JSON; times are seconds of the Unix epoch.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Revoke what is called so: every certificate of that name, or the one of that key, of which eight digits will do.",
            valueName: "name"))
    var revoke: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            let setup = try ServerSetup(config, options)
            guard let roster = setup.roster else {
                throw StageError(
                    .configuration,
                    "\(setup.file) doesn't say where it is kept who has joined: write 'agents: agents' into its 'mtls' and its 'enrol'"
                )
            }
            if let revoke { return try Self.revoke(revoke, in: roster, setup) }
            // Where nobody has joined yet, there may be no folder.
            let entries = roster.entries ?? []
            if json { return print(Self.document(entries).pretty, terminator: "") }
            guard !entries.isEmpty else { return print("nobody has joined yet; 'fluidity invite NAME' invites a machine") }
            for line in Self.table(entries, now: WallTime.seconds).lines { print(line) }
        }
    }

    private static func revoke(_ wanted: String, in roster: Roster, _ setup: ServerSetup) throws {
        let withdrawn = setup.enrol?.invitations.map { InvitationStore(directory: $0.path).withdraw(wanted) } ?? 0
        let entries = roster.entries ?? []
        var chosen = entries.filter { $0.name == wanted }
        if chosen.isEmpty, wanted.utf8.count >= 8 { chosen = entries.filter { $0.key.hasPrefix(wanted) } }
        // A certificate that was made elsewhere, and whose owner was never here.
        if chosen.isEmpty, Roster.isKey(wanted) { chosen = [RosterEntry(key: wanted)] }
        guard !chosen.isEmpty || withdrawn > 0 else {
            throw StageError(
                .unavailable,
                "nobody who has joined is called '\(ForeignText.line(wanted, limit: 100))'; 'fluidity agents' lists who has, and "
                    + "the SHA-256 of a key, which 'fluidity cert show' prints, revokes that key")
        }
        guard chosen.isEmpty || roster.make() else {
            throw StageError(.unavailable, "the folder \(roster.path) can't be made")
        }
        for entry in chosen {
            guard roster.revoke(entry.key, name: entry.name, now: WallTime.seconds) else {
                throw StageError(
                    .unavailable,
                    "it can't be written into \(roster.path) that \(entry.key.prefix(16)) is revoked: nothing has changed")
            }
            print("revoked \(entry.key.prefix(16))\(entry.name.map { " of '\($0)'" } ?? "")")
        }
        if withdrawn > 0 { print("withdrew \(withdrawn) invitation\(withdrawn == 1 ? "" : "s") for '\(wanted)'") }
    }

    /// Whether it may come in.
    private static func state(_ entry: RosterEntry, now: Int) -> String {
        if entry.revoked != nil { return "revoked" }
        if let end = entry.end, end < now { return "expired" }
        return entry.seen == nil ? "joined" : "active"
    }

    private static func table(_ entries: [RosterEntry], now: Int) -> Columns {
        var table = Columns([
            ("NAME", .left), ("STATE", .left), ("JOINED", .left), ("LAST SEEN", .left), ("FROM", .left),
            ("CERTIFICATE ENDS", .left),
            ("KEY", .left),
        ])
        for entry in entries {
            table.add([
                entry.name.map { ForeignText.line($0, limit: 64) } ?? "-", state(entry, now: now),
                entry.joined.map(day) ?? "-",
                entry.seen.map { now - $0 < 120 ? "now" : "\(Readable.span(Int64(now - $0))) ago" } ?? "-",
                entry.from.map { ForeignText.line($0, limit: 64) } ?? "-", entry.end.map(day) ?? "-", String(entry.key.prefix(16)),
            ])
        }
        return table
    }

    private static func day(_ time: Int) -> String { String(Timestamp.utc(time).prefix(10)) }

    private static func document(_ entries: [RosterEntry]) -> JSON {
        let now = WallTime.seconds
        func number(_ value: Int?) -> JSON? { value.map { .number("\($0)") } }
        return .members([
            "agents": .array(
                entries.map { entry in
                    .members([
                        "name": entry.name.map { .text($0) }, "state": .text(state(entry, now: now)), "key": .text(entry.key),
                        "uri": entry.uri.map { .text($0) }, "joined": number(entry.joined), "seen": number(entry.seen),
                        "from": entry.from.map { .text($0) }, "end": number(entry.end), "revoked": number(entry.revoked),
                    ])
                })
        ])
    }
}
