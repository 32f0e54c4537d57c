import Foundation
import Testing

/// Compares a text with the file that has it as it should be. Setting `FLUIDITY_RECORD_GOLDEN` writes the file anew, to be read
/// before it is committed.
enum Golden {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Golden").path

    static func expect(_ text: String, _ name: String, _ location: SourceLocation = #_sourceLocation) throws {
        let path = "\(folder)/\(name)"
        if ProcessInfo.processInfo.environment["FLUIDITY_RECORD_GOLDEN"] != nil {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try text == String(contentsOfFile: path, encoding: .utf8), sourceLocation: location)
    }
}
