import Foundation
import Testing

@testable import TunnelStages

/// Who has joined, as files say it.
@Suite struct RosterTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("roster-\(UUID().uuidString)")
    private let roster: Roster
    private let key = String(repeating: "a1", count: 32)
    private let other = String(repeating: "b2", count: 32)

    init() throws {
        roster = Roster(path: folder.path)
        #expect(roster.make())
    }

    private func entry(_ key: String, _ name: String, joined: Int? = nil, seen: Int? = nil, end: Int? = nil) -> RosterEntry {
        var entry = RosterEntry(key: key)
        (entry.name, entry.joined, entry.seen, entry.end) = (name, joined, seen, end)
        return entry
    }

    private func write(_ name: String, _ text: String) throws {
        try text.write(to: folder.appendingPathComponent(name), atomically: false, encoding: .utf8)
    }

    @Test func `What is noted is read`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(roster.note(joined: entry(key, "laptop", joined: 10, end: 99)))
        #expect(roster.entries == [entry(key, "laptop", joined: 10, end: 99)])
        var seen = entry(key, "laptop", seen: 20, end: 98)
        seen.from = "192.0.2.1:5"
        #expect(roster.note(seen: seen) && roster.note(seen: entry(other, "desk", seen: 21)))
        var both = entry(key, "laptop", joined: 10, seen: 20, end: 98)
        both.from = "192.0.2.1:5"
        #expect(roster.entries == [entry(other, "desk", seen: 21), both])
    }

    @Test func `Revoking counts twice and for that key alone`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(roster.note(joined: entry(key, "laptop", joined: 10)) && roster.note(joined: entry(other, "laptop", joined: 11)))
        #expect(roster.revoke(key, name: "laptop", now: 30) && roster.revoke(key, name: "laptop", now: 40))
        #expect(roster.isRevoked(key) && !roster.isRevoked(other))
        #expect(roster.revokedKeys == [key])
        #expect(roster.entry(key).revoked == 30)
    }

    @Test func `A revocation counts whatever its text is`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("\(key).revoked", "")
        #expect(roster.revokedKeys == [key] && roster.isRevoked(key))
        #expect(roster.entry(key).revoked == 0)
    }

    @Test(arguments: [
        "../secret", "", "A1", String(repeating: "A1", count: 32), String(repeating: "a1", count: 31) + "/.",
        String(repeating: "a1", count: 33), String(repeating: "a1", count: 31) + "é",
    ])
    func `What is no key is nobody's`(_ wrong: String) {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(!Roster.isKey(wrong))
        #expect(!roster.note(joined: entry(wrong, "x")) && !roster.note(seen: entry(wrong, "x")))
        #expect(!roster.revoke(wrong, name: nil, now: 1) && !roster.isRevoked(wrong))
        #expect(roster.entries?.isEmpty == true)
    }

    @Test func `A name stays on its line`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(roster.note(joined: entry(key, "a\nend: 1\u{202E}b", joined: 10, end: 50)))
        #expect(roster.entry(key).name == "a end: 1b" && roster.entry(key).end == 50)
    }

    @Test func `Other files are left alone`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("README", "mine")
        try write("\(key).old", "mine")
        try write(key, "no lines of ours\n\u{0}")
        try FileManager.default.createSymbolicLink(
            at: folder.appendingPathComponent(other), withDestinationURL: URL(fileURLWithPath: "/etc/hostname"))
        #expect(roster.entries == [RosterEntry(key: key), RosterEntry(key: other)])
        roster.tidy(now: .max / 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 4)
    }

    @Test func `What ended long ago is taken out`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        let day = 86_400
        #expect(roster.note(joined: entry(key, "old", joined: 1, end: day)) && roster.revoke(key, name: "old", now: 2))
        #expect(roster.note(joined: entry(other, "new", joined: 1, end: 50 * day)))
        roster.tidy(now: 100 * day)
        #expect(roster.entries?.map(\.key) == [other])
        #expect(!roster.isRevoked(key))
    }

    @Test func `A folder that isn't there says nothing`() {
        let missing = Roster(path: folder.path + "/missing")
        #expect(missing.entries == nil && missing.revokedKeys == nil)
        #expect(!missing.revoke(key, name: nil, now: 1))
    }
}
