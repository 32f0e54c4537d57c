import ConfigurationLanguage
import Foundation
import Pipeline
import Stages
import Testing

/// Configurations of filters in `Fixtures/access`, each beside the exact text that it is refused with, or the warnings that it
/// gives. Setting `FLUIDITY_RECORD_GOLDEN` writes that text anew, to be read before it is committed.
@Suite struct AccessConfigurationTests {
    static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fixtures/access").path

    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: fixtures)) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted()
    }

    @Test(arguments: ["accept: { listen: \"127.0.0.1:1\" }, frame: { codecs: [h2, mux] }, compress, fetch"])
    func nothingIsSaidWhereNothingIsWrong(_ stages: String) throws {
        let loader = ConfigurationLoader(registry: .standard(), environment: [:])
        #expect(try loader.load(text: "pipeline: [\(stages)]", file: "good.yaml", host: nil).warnings.map(\.description) == [])
    }

    @Test(arguments: names)
    func report(_ name: String) throws {
        let golden = "\(Self.fixtures)/\(name).expected"
        let loader = ConfigurationLoader(registry: .standard(), environment: [:])
        var text: String
        do {
            let loaded = try loader.load(path: "\(Self.fixtures)/\(name).yaml", host: nil)
            text = loaded.warnings.map(\.description).joined(separator: "\n")
            #expect(!text.isEmpty, "neither an error nor a warning")
        } catch {
            text = error.description
        }
        text = text.replacingOccurrences(of: Self.fixtures + "/", with: "") + "\n"
        if ProcessInfo.processInfo.environment["FLUIDITY_RECORD_GOLDEN"] != nil {
            try text.write(toFile: golden, atomically: true, encoding: .utf8)
        }
        #expect(try text == String(contentsOfFile: golden, encoding: .utf8))
    }
}
