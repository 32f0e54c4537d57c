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
}
