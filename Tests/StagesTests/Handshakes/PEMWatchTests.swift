import ConfigurationLanguage
import Foundation
import Testing

@testable import TunnelStages

/// When PEM files that have changed are put to use.
@Suite struct PEMWatchTests {
    private struct Refused: Error {}

    @Test func `What fails is tried again at every look, and told once for each change`() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "watched-\(UUID().uuidString).pem")
        defer { try? FileManager.default.removeItem(at: file) }
        try "one".write(to: file, atomically: true, encoding: .utf8)
        let watch = PEMWatch([.file(FilePath(file.path))])
        var uses = 0
        func look(failing: Bool) -> Bool {
            watch.look {
                uses += 1
                if failing { throw Refused() }
            } != nil
        }
        #expect(!look(failing: false) && uses == 0, "nothing has changed")
        try "another".write(to: file, atomically: true, encoding: .utf8)
        #expect(look(failing: true) && uses == 1)
        #expect(!look(failing: true) && uses == 2, "it is tried again, and not told")
        try "the third".write(to: file, atomically: true, encoding: .utf8)
        #expect(look(failing: true) && uses == 3, "another change is told")
        #expect(!look(failing: false) && uses == 4, "what was in the way is gone, and the file as it was")
        #expect(!look(failing: false) && uses == 4, "it is in use")
    }
}
