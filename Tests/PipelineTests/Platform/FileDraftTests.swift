import Foundation
import Platform
import Testing

/// Files that are there whole or not at all.
@Suite struct FileDraftTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("drafts-\(UUID().uuidString)")
    private var place: String { folder.appendingPathComponent("file").path }

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

    @Test func `A draft is nobody's file until it is in its place`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let draft = try FileDraft(for: place, "text")
        let name = URL(fileURLWithPath: draft.path).lastPathComponent
        #expect(name.hasPrefix(".file.") && name.dropFirst(6).allSatisfy(\.isNumber))
        #expect(try names() == [name])
        #expect(try FileManager.default.attributesOfItem(atPath: draft.path)[.posixPermissions] as? NSNumber == 0o600)
        try draft.link()
        draft.discard()
        #expect(try names() == ["file"] && String(contentsOfFile: place, encoding: .utf8) == "text")
    }

    @Test func `A link never takes a file's place, and a replacement does`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try "before".write(toFile: place, atomically: false, encoding: .utf8)
        let draft = try FileDraft(for: place, "after", lasts: false)
        #expect(throws: SystemProblem(code: EEXIST)) { try draft.link() }
        #expect(try String(contentsOfFile: place, encoding: .utf8) == "before")
        try draft.replace()
        draft.discard()
        #expect(try names() == ["file"] && String(contentsOfFile: place, encoding: .utf8) == "after")
    }

    @Test func `What can't be written says why`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(throws: SystemProblem(code: ENOENT)) { try FileDraft(for: "\(place)/below/file", "text") }
    }

    @Test func `A draft has the rights of the file whose place it takes, and no others`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var status = stat()
        status.st_mode = 0o4750
        status.st_uid = geteuid()
        status.st_gid = getegid()
        let draft = try FileDraft(for: place, "text", like: status)
        try draft.replace()
        var found = stat()
        #expect(stat(place, &found) == 0)
        #expect(found.st_mode & 0o7777 == 0o750, "without what would run it as its owner")
        // The superuser gives it away; of a group that it can't be of it has no rights.
        status.st_uid = 12_345
        status.st_gid = 54_321
        let other = try FileDraft(for: place, "text", like: status)
        try other.replace()
        #expect(stat(place, &found) == 0)
        if geteuid() == 0 {
            #expect(found.st_uid == 12_345 && found.st_gid == 54_321 && found.st_mode & 0o7777 == 0o750)
        } else {
            #expect(found.st_uid == geteuid() && found.st_mode & 0o7777 == 0o700)
        }
    }
}
