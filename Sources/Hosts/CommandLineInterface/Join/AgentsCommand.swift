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
            let setup = try ServerSetup(config, options, checksFiles: false)
            guard !setup.rosters.isEmpty else {
                throw StageError(
                    .configuration,
                    "\(setup.file) doesn't say where it is kept who has joined: write 'agents: agents' into its 'mtls' and its 'enrol'"
                )
            }
            if let revoke { return try Self.revoke(revoke, setup) }
            let entries = try Self.entries(setup)
            if json { return print(Self.document(entries).pretty, terminator: "") }
            guard !entries.isEmpty else { return print("nobody has joined yet; 'fluidity invite NAME' invites a machine") }
            for line in Self.table(entries, now: WallTime.seconds).lines { print(line) }
        }
    }

    private static func revoke(_ wanted: String, _ setup: ServerSetup) throws {
        let withdrawal = try readable {
            try setup.enrol?.invitations.map { try InvitationStore(directory: $0.path).withdraw(wanted) }
        }
        let withdrawn = withdrawal?.count ?? 0
        if withdrawn > 0 {
            print("withdrew \(withdrawn) invitation\(withdrawn == 1 ? "" : "s") for '\(wanted)'")
        }
        let chosen = chosen(wanted, among: try entries(setup), owners: withdrawal?.owners ?? [])
        guard !chosen.isEmpty || withdrawn > 0 else {
            throw StageError(
                .unavailable,
                "nobody who has joined is called '\(ForeignText.line(wanted, limit: 100))'; 'fluidity agents' lists who has, and "
                    + "the SHA-256 of a key, which 'fluidity cert show' prints, revokes that key")
        }
        // Each as far as it goes: one that can't be written keeps nobody else in.
        var failed: [String] = []
        for entry in chosen {
            let unwritten = setup.rosters.filter { roster in
                !roster.make() || !roster.revoke(entry.key, name: entry.name, now: WallTime.seconds)
            }
            failed += unwritten.map { "\(entry.key.prefix(16)) in \($0.path)" }
            guard unwritten.isEmpty else { continue }
            print("revoked \(entry.key.prefix(16))\(entry.name.map { " of '\($0)'" } ?? "")")
        }
        guard failed.isEmpty else {
            throw StageError(
                .unavailable,
                "it can't be written that these are revoked, and they may still come in: \(failed.joined(separator: ", ")); \(advice)"
            )
        }
        if !setup.enforces, !chosen.isEmpty {
            Reporting.write(
                "No 'mtls' of \(setup.file) has 'agents': servers look into their own folder. Share \(setup.rosters[0].path) with them, or copy it there."
            )
        }
    }

    private static let advice = "run this as the user that the server runs as, or as root"

    /// Who is meant: by name, by the beginning of a key, or a key whose owner was never here.
    ///
    /// - Parameter owners: The keys that have taken invitations for that name; their certificates may not be noted yet.
    private static func chosen(_ wanted: String, among entries: [RosterEntry], owners: [String]) -> [RosterEntry] {
        var chosen = entries.filter { $0.name == wanted }
        for key in owners where !chosen.contains(where: { $0.key == key }) {
            var entry = RosterEntry(key: key)
            entry.name = wanted
            chosen.append(entry)
        }
        if chosen.isEmpty, wanted.utf8.count >= 8 { chosen = entries.filter { $0.key.hasPrefix(wanted) } }
        return chosen.isEmpty && Roster.isKey(wanted) ? [RosterEntry(key: wanted)] : chosen
    }

    /// Who is known in any of the places.
    private static func entries(_ setup: ServerSetup) throws -> [RosterEntry] {
        let lists = try readable { try setup.rosters.map { try $0.entries() } }
        guard lists.count > 1 else { return lists.first ?? [] }
        let merged = Dictionary(lists.joined().map { ($0.key, $0) }) { $0.merged(with: $1) }
        return merged.values.sorted { ($0.name ?? "~", $0.joined ?? 0, $0.key) < ($1.name ?? "~", $1.joined ?? 0, $1.key) }
    }

    /// What can't be read isn't taken for empty.
    private static func readable<Value>(_ read: () throws -> Value) throws -> Value {
        do { return try read() } catch let problem as RecordFolderProblem {
            throw StageError(.unavailable, "\(problem); \(advice)")
        }
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
