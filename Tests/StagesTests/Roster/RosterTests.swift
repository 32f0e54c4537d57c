import Foundation
import Platform
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

    @Test func `What is noted is read`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(roster.note(joined: entry(key, "laptop", joined: 10, end: 99)))
        #expect(try roster.entries() == [entry(key, "laptop", joined: 10, end: 99)])
        var seen = entry(key, "laptop", seen: 20, end: 98)
        seen.from = "192.0.2.1:5"
        #expect(roster.note(seen: seen) && roster.note(seen: entry(other, "desk", seen: 21)))
        var both = entry(key, "laptop", joined: 10, seen: 20, end: 99)
        both.from = "192.0.2.1:5"
        #expect(try roster.entries() == [entry(other, "desk", seen: 21), both])
    }

    @Test func `Revoking counts twice and for that key alone`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(roster.note(joined: entry(key, "laptop", joined: 10)) && roster.note(joined: entry(other, "laptop", joined: 11)))
        #expect(roster.revoke(key, name: "laptop", now: 30) && roster.revoke(key, name: "laptop", now: 40))
        #expect(roster.isRevoked(key) && !roster.isRevoked(other))
        #expect(try roster.revokedKeys() == [key])
        #expect(roster.entry(key).revoked == 30)
    }

    @Test func `A revocation counts whatever its text is`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("\(key).revoked", "")
        #expect(try roster.revokedKeys() == [key] && roster.isRevoked(key))
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
        #expect((try? roster.entries())?.isEmpty == true)
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
        #expect(try roster.entries() == [RosterEntry(key: key), RosterEntry(key: other)])
        roster.tidy(now: .max / 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 4)
    }

    @Test func `What ended long ago is taken out`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        let day = 86_400
        #expect(roster.note(joined: entry(key, "old", joined: 1, end: day)) && roster.revoke(key, name: "old", now: 2))
        #expect(roster.note(joined: entry(other, "new", joined: 1, end: 50 * day)))
        roster.tidy(now: 100 * day)
        #expect((try? roster.entries())?.map(\.key) == [other])
        #expect(!roster.isRevoked(key))
    }

    @Test func `A folder that isn't there says nothing`() {
        let missing = Roster(path: folder.path + "/missing")
        #expect((try? missing.entries()) == [] && (try? missing.revokedKeys()) == nil && missing.isMissing)
        #expect(!missing.revoke(key, name: nil, now: 1) && !missing.isRevoked(key))
    }

    /// A folder that is a file isn't an empty one: nobody is said to be fine because of it.
    @Test func `What can't be read is not nothing`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("file", "mine")
        let wrong = Roster(path: folder.path + "/file")
        #expect(throws: RecordFolderProblem(path: wrong.path, code: ENOTDIR)) { try wrong.entries() }
        #expect(throws: RecordFolderProblem(path: wrong.path, code: ENOTDIR)) { try wrong.revokedKeys() }
        #expect(wrong.isRevoked(key) && !wrong.make() && !wrong.revoke(key, name: nil, now: 1))
    }

    @Test func `A link that leads nowhere revokes too`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createSymbolicLink(
            at: folder.appendingPathComponent("\(key).revoked"), withDestinationURL: URL(fileURLWithPath: "/nowhere"))
        #expect(try roster.isRevoked(key) && roster.revokedKeys() == [key])
    }

    /// Revoking is noticed by the folder's time of change: who was here doesn't change it.
    @Test func `Who was here is noted elsewhere`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(roster.note(seen: entry(key, "laptop", seen: 1)))
        let before = FileStamp(folder.path)
        #expect(roster.note(seen: entry(key, "laptop", seen: 2)) && roster.note(seen: entry(other, "desk", seen: 2)))
        #expect(FileStamp(folder.path) == before && before != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["seen"])
    }

    /// Of two certificates of a key the one that ends later counts, so that its revocation stays.
    @Test func `A revocation stays as long as a certificate may count`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let day = 86_400
        #expect(roster.note(joined: entry(key, "laptop", joined: 1, end: 500 * day)))
        #expect(roster.note(seen: entry(key, "laptop", seen: 2, end: day)) && roster.revoke(key, name: "laptop", now: 3))
        try FileManager.default.removeItem(at: folder.appendingPathComponent(key))
        roster.tidy(now: 200 * day)
        #expect(roster.isRevoked(key) && roster.entry(key).end == 500 * day)
        roster.tidy(now: 600 * day)
        #expect(!roster.isRevoked(key))
    }

    @Test func `Drafts that were left go`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let now = try #require(FileStamp(folder.path)).seconds
        let drafts = [".\(key).17", ".\(key).revoked.18446744073709551615"]
        for name in drafts + [".\(key).revoked.x", ".hidden.1"] { try write(name, "half") }
        roster.tidy(now: now + 60)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 4)
        roster.tidy(now: now + 7_300)
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) == [".\(key).revoked.x", ".hidden.1"])
    }

    @Test func `Two places are taken together`() {
        var (one, two) = (entry(key, "laptop", joined: 1, seen: 5, end: 9), entry(key, "x", seen: 7, end: 8))
        (one.from, two.from, two.revoked) = ("a", "b", 3)
        let both = one.merged(with: two)
        #expect(
            both.name == "laptop" && both.joined == 1 && both.seen == 7 && both.from == "b" && both.end == 9 && both.revoked == 3)
    }
}
