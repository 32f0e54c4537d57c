import ConfigurationLanguage
import Foundation
import Pipeline
import Testing

/// Files in `Fixtures/invalid`, each beside the exact text that it is refused with. Setting `FLUIDITY_RECORD_GOLDEN` writes
/// that text anew, to be read before it is committed.
@Suite struct GoldenConfigurationTests {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures").path

    static func names(in folder: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(fixtures)/\(folder)")) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted()
    }

    private static let environment = ["HOME_PORT": "8080", "EMPTY": "", "BAD_WAIT": "soon"]

    private static func load(_ folder: String, _ name: String) throws(ConfigurationErrors) -> LoadedConfiguration {
        let host: HostKind? = name.hasPrefix("lambda-") ? .lambda : nil
        return try ConfigurationLoader(registry: .test, environment: environment)
            .load(path: "\(fixtures)/\(folder)/\(name).yaml", host: host)
    }

    @Test(arguments: names(in: "invalid"))
    func refusal(_ name: String) throws {
        let golden = "\(Self.fixtures)/invalid/\(name).expected"
        do {
            let loaded = try Self.load("invalid", name)
            Issue.record("accepted: \(loaded)")
        } catch {
            let text = error.description.replacingOccurrences(of: Self.fixtures + "/invalid/", with: "") + "\n"
            if ProcessInfo.processInfo.environment["FLUIDITY_RECORD_GOLDEN"] != nil {
                try text.write(toFile: golden, atomically: true, encoding: .utf8)
            }
            #expect(try text == String(contentsOfFile: golden, encoding: .utf8))
        }
    }

    @Test func everyRefusalHasAGolden() {
        #expect(Self.names(in: "invalid").count >= 25)
    }

    @Test(arguments: names(in: "valid"))
    func acceptance(_ name: String) throws {
        let loaded = try Self.load("valid", name)
        #expect(!loaded.stages.isEmpty)
    }
}
