import Platform

/// The folder that says which agents have joined: `KEY`, what was issued; `KEY.seen`, when it was last connected; `KEY.revoked`, that it may no
/// longer come in. KEY is SHA-256 of the agent's public key. That a key is revoked says the file's name alone, so that it counts whatever
/// becomes of its text. Every call blocks for as long as the file system does.
package struct Roster: Sendable {
    private let folder: RecordFolder
    /// How long an entry is kept, in seconds, when its certificate has ended, which lets nobody in by itself.
    private static let memory = 90 * 86_400
    private static let seen = ".seen"
    private static let revoked = ".revoked"

    /// The roster in the folder at a path; it needn't exist yet.
    package init(path: String) { folder = RecordFolder(path: path) }

    /// The folder's path.
    package var path: String { folder.path }

    /// Makes the folder unless it is there; false where it can't be made.
    package func make() -> Bool { folder.make() }

    /// Notes a certificate that was issued.
    package func note(joined entry: RosterEntry) -> Bool {
        guard Self.isKey(entry.key) else { return false }
        return folder.replace(
            entry.key,
            RecordText.text([
                "name": entry.name, "uri": entry.uri, "joined": entry.joined.map(String.init), "end": entry.end.map(String.init),
            ]))
    }

    /// Notes that a key was there.
    package func note(seen entry: RosterEntry) -> Bool {
        guard Self.isKey(entry.key) else { return false }
        return folder.replace(
            entry.key + Self.seen,
            RecordText.text([
                "name": entry.name, "at": entry.seen.map(String.init), "from": entry.from, "end": entry.end.map(String.init),
            ]))
    }

    /// From now on the key lets nobody in. False where that can't be written.
    package func revoke(_ key: String, name: String?, now: Int) -> Bool {
        guard Self.isKey(key) else { return false }
        return isRevoked(key) || folder.create(key + Self.revoked, RecordText.text(["name": name, "at": String(now)]))
            || isRevoked(key)
    }

    /// Whether the key may no longer come in.
    package func isRevoked(_ key: String) -> Bool {
        Self.isKey(key) && FileStamp("\(folder.path)/\(key)\(Self.revoked)") != nil
    }

    /// The keys that may no longer come in; nil where the folder can't be read.
    package var revokedKeys: Set<String>? {
        folder.names.map { names in
            Set(names.lazy.filter { $0.hasSuffix(Self.revoked) }.map { String($0.dropLast(Self.revoked.count)) }.filter(Self.isKey))
        }
    }

    /// Everybody, by name and then by when they joined; nil where the folder can't be read.
    package var entries: [RosterEntry]? {
        guard let names = folder.names else { return nil }
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
        if let values = folder.read(key + Self.seen).flatMap(RecordText.values) {
            entry.name = entry.name ?? values["name"]
            entry.end = values["end"].flatMap { Int($0) } ?? entry.end
            (entry.seen, entry.from) = (values["at"].flatMap { Int($0) }, values["from"])
        }
        if isRevoked(key) {
            let values = folder.read(key + Self.revoked).flatMap(RecordText.values)
            entry.name = entry.name ?? values?["name"]
            entry.revoked = values?["at"].flatMap { Int($0) } ?? 0
        }
        return entry
    }

    /// Takes out those whose certificates ended long ago. What was revoked without anybody knowing when its certificate ends, stays.
    ///
    /// - Parameter now: Seconds of the Unix epoch.
    package func tidy(now: Int) {
        for entry in entries ?? [] {
            guard let end = entry.end, end < now - Self.memory else { continue }
            for ending in ["", Self.seen, Self.revoked] { folder.remove(entry.key + ending) }
        }
    }

    /// SHA-256 in lowercase hexadecimal digits: what came from elsewhere leads to no other file.
    package static func isKey(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
