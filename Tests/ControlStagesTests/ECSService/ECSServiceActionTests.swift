import Testing

@testable import ControlStages

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The list of actions that texts are made of, and the texts that aren't made.
@Suite struct ECSServiceActionTests {
    @Test func `Texts name each action with its method`() {
        #expect(ECSServiceAction.paths == "/wake, /sleep, /kill and /status")
        #expect(ECSServiceAction.requests == "POST /wake, /sleep and /kill, GET /status")
    }

    @Test func `The configuration and the documents name every action`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let text = { (path: String) throws in try String(contentsOf: root.appending(path: path), encoding: .utf8) }
        #expect(try text("configs/control.yaml").contains(ECSServiceAction.requests))
        let document = try text("docs/control-plane.md")
        for action in ECSServiceAction.named {
            #expect(
                document.contains("| `\(action.methods[0]) /\(action.rawValue)` |"), "docs/control-plane.md has no row of \(action)"
            )
            #expect(document.contains("| `\(action.rawValue)` |"), "docs/control-plane.md has no permissions of \(action)")
        }
    }
}
