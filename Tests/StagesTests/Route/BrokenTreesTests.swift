import ConfigurationLanguage
import Foundation
import Stages
import Testing

@testable import Pipeline

/// A hundred wrong configurations of branches, ways in, forwards, servers and included files, in `Fixtures/broken-trees/trees.txt`, and what is
/// said of each, in `trees.expected`. Setting `FLUIDITY_RECORD_GOLDEN` writes that text anew, to be read before it is committed.
@Suite struct BrokenTreesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/broken-trees").path

    /// The parts of a file by their names, in order; each begins with `=== NAME`.
    private static func parts(of file: String) throws -> [(name: String, text: String)] {
        let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
        return ("\n" + text).components(separatedBy: "\n=== ").dropFirst().map { part in
            let lines = part.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(lines[0]), lines.count > 1 ? String(lines[1]) : "")
        }
    }

    private static func report(on text: String) -> String {
        let loader = ConfigurationLoader(registry: .standard(), environment: [:])
        let said: String
        do {
            let loaded = try loader.load(text: text, file: "\(folder)/tree.yaml", host: nil)
            said = loaded.warnings.map(\.description).joined(separator: "\n")
        } catch {
            said = "\(error)"
        }
        return said.replacingOccurrences(of: folder + "/", with: "")
    }

    @Test func everyTreeIsReportedAsItWas() throws {
        let trees = try Self.parts(of: "trees.txt")
        #expect(trees.count >= 100 && Set(trees.map(\.name)).count == trees.count)
        let reports = trees.map { (name: $0.name, text: Self.report(on: $0.text)) }
        if ProcessInfo.processInfo.environment["FLUIDITY_RECORD_GOLDEN"] != nil {
            let all = reports.map { "=== \($0.name)\n\($0.text)\n" }.joined()
            try all.write(toFile: "\(Self.folder)/trees.expected", atomically: true, encoding: .utf8)
        }
        let expected = Dictionary(uniqueKeysWithValues: try Self.parts(of: "trees.expected").map { ($0.name, $0.text) })
        for report in reports {
            #expect(!report.text.isEmpty, "\(report.name): neither an error nor a warning")
            #expect(report.text.contains("tree.yaml:") || report.text.contains("parts/"), "\(report.name): no place")
            #expect(report.text == expected[report.name]?.trimmingCharacters(in: .newlines), "\(report.name)")
        }
    }
}
