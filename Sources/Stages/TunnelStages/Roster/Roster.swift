import Platform

/// The folder that says which agents have joined: `KEY`, what was issued; `KEY.revoked`, that it may no longer come in; `seen/KEY`, when it was
/// last connected, in a folder of its own, so that the first one changes only when somebody joins or is revoked. KEY is SHA-256 of the agent's public key. That a key is revoked says the file's name alone, so that it counts whatever
/// becomes of its text. Every call blocks for as long as the file system does.
package struct Roster: Sendable {
    private let folder: RecordFolder
    private let seen: RecordFolder
    /// How long an entry is kept, in seconds, when its certificate has ended, which lets nobody in by itself.
    private static let memory = 90 * 86_400
    /// After how many seconds a draft is nobody's any more.
    private static let draftAge = 3_600
    private static let revoked = ".revoked"

    /// The roster in the folder at a path; it needn't exist yet.
    package init(path: String) {
        folder = RecordFolder(path: path)
        seen = RecordFolder(path: "\(path)/seen")
    }

    /// The folder's path.
    package var path: String { folder.path }

    /// Whether there is no folder yet.
    package var isMissing: Bool { folder.isMissing }

    /// Makes the folder unless it is there; false where it can't be made.
    package func make() -> Bool { folder.make() }

    /// Notes a certificate that was issued.
    package func note(joined entry: RosterEntry) -> Bool {
        guard Self.isKey(entry.key) else { return false }
        return folder.replace(
            entry.key,
            RecordText.text([
                "name": entry.name, "uri": entry.uri, "joined": entry.joined.map(String.init),
                "end": latest(entry).map(String.init),
            ]))
    }

    /// Notes that a key was there, without waiting for the disk: the next minute says it again.
    package func note(seen entry: RosterEntry) -> Bool {
        guard Self.isKey(entry.key) else { return false }
        let text = RecordText.text([
            "name": entry.name, "at": entry.seen.map(String.init), "from": entry.from, "end": latest(entry).map(String.init),
        ])
        return seen.replace(entry.key, text, lasts: false) || seen.make() && seen.replace(entry.key, text, lasts: false)
    }

    /// Of all certificates of the key the last end: as long as one of them counts, what is known of the key is kept.
    private func latest(_ entry: RosterEntry) -> Int? { [entry.end, self.entry(entry.key).end].compactMap { $0 }.max() }

    /// From now on the key lets nobody in. False where that can't be written.
    package func revoke(_ key: String, name: String?, now: Int) -> Bool {
        guard Self.isKey(key) else { return false }
        let text = RecordText.text(["name": name, "at": String(now), "end": entry(key).end.map(String.init)])
        return folder.create(key + Self.revoked, text) || folder.has(key + Self.revoked) == true
    }

    /// Whether the key may no longer come in; so too where it can't be found out.
    package func isRevoked(_ key: String) -> Bool { Self.isKey(key) && folder.has(key + Self.revoked) ?? true }

    /// The keys that may no longer come in.
    package func revokedKeys() throws(RecordFolderProblem) -> Set<String> {
        let names = try folder.names()
        return Set(
            names.lazy.filter { $0.hasSuffix(Self.revoked) }.map { String($0.dropLast(Self.revoked.count)) }.filter(Self.isKey))
    }

    /// Everybody, by name and then by when they joined; nobody where there is no folder.
    package func entries() throws(RecordFolderProblem) -> [RosterEntry] {
        let names = try folder.namesIfThere() + seen.namesIfThere()
        let keys = Set(names.map { String($0.prefix(64)) }.filter(Self.isKey))
        let found = keys.intersection(names.map { name in name.split(separator: ".").first.map(String.init) ?? "" })
        return found.map(entry).sorted { ($0.name ?? "~", $0.joined ?? 0, $0.key) < ($1.name ?? "~", $1.joined ?? 0, $1.key) }
    }

    /// What is known of a key.
    package func entry(_ key: String) -> RosterEntry {
        var entry = RosterEntry(key: key)
        guard Self.isKey(key) else { return entry }
        if let values = folder.read(key).flatMap(RecordText.values) {
            (entry.name, entry.uri) = (values["name"], values["uri"])
            (entry.joined, entry.end) = (values["joined"].flatMap { Int($0) }, values["end"].flatMap { Int($0) })
        }
        if let values = seen.read(key).flatMap(RecordText.values) {
            entry.name = entry.name ?? values["name"]
            entry.end = [values["end"].flatMap { Int($0) }, entry.end].compactMap { $0 }.max()
            (entry.seen, entry.from) = (values["at"].flatMap { Int($0) }, values["from"])
        }
        if isRevoked(key) {
            let values = folder.read(key + Self.revoked).flatMap(RecordText.values)
            entry.name = entry.name ?? values?["name"]
            entry.end = [values?["end"].flatMap { Int($0) }, entry.end].compactMap { $0 }.max()
            entry.revoked = values?["at"].flatMap { Int($0) } ?? 0
        }
        return entry
    }

    /// Takes out those whose certificates ended long ago, and what was left half written. What was revoked without anybody knowing when its certificate ends, stays.
    ///
    /// - Parameter now: Seconds of the Unix epoch.
    package func tidy(now: Int) {
        for entry in (try? entries()) ?? [] {
            guard let end = entry.end, end < now - Self.memory else { continue }
            seen.remove(entry.key)
            for ending in ["", Self.revoked] { folder.remove(entry.key + ending) }
        }
        for place in [folder, seen] { place.tidyDrafts(olderThan: now - Self.draftAge) }
    }

    /// SHA-256 in lowercase hexadecimal digits: what came from elsewhere leads to no other file.
    package static func isKey(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
