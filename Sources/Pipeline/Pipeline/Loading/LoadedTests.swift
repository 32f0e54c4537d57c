package import ConfigurationLanguage
import Platform

/// The tests of a file, and where each of their keys stands.
package struct LoadedTests: Sendable {
    /// The tests, in the order of the file.
    package let tests: [PipelineTest]
    let places: SettingPlaces
    let source: ConfigurationSource

    /// A finding at a key of a test: `expect.status` of the second.
    package func finding(_ message: String, test index: Int, key: String, hint: String? = nil) -> ConfigurationError {
        let path = "tests.tests[\(index + 1)]"
        let origin = places.origins["\(path).\(key)"] ?? places.origins["\(path).name"]
        guard let origin else { return ConfigurationError(file: source.file, message: message, hint: hint) }
        return source.error(.init(message: message, hint: hint, origin: origin, severity: .error))
    }
}

extension ConfigurationLoader {
    /// Reads a file that has nothing but `tests`.
    package func loadTests(path: String) throws(ConfigurationErrors) -> LoadedTests {
        let text = SourceText(try read(path))
        let source = ConfigurationSource(file: path, text: text)
        var reader = YAMLReader(text)
        guard let root = reader.read(), reader.findings.isEmpty else {
            guard reader.findings.isEmpty else { throw ConfigurationErrors(source.errors(reader.findings)) }
            throw ConfigurationErrors([ConfigurationError(file: path, message: "the file is empty", hint: "it needs 'tests'")])
        }
        let context = DecodingContext(directory: FileAccess.directory(of: path), checksFiles: checksFiles)
        let file = PipelineTestFile.decodeMapping(root, in: context, noun: "the file")
        guard let file, context.findings.isEmpty else { throw ConfigurationErrors(source.errors(context.findings)) }
        return LoadedTests(tests: file.tests, places: SettingPlaces(context), source: source)
    }
}

extension LoadedConfiguration {
    /// The part of the list that takes exchanges, as far as it can be run without a network: the filters, and a sink if it
    /// opens no connections. The first one's number is its place in the list, from 0.
    package var exchangeStages: (first: Int, entries: [Entry]) {
        guard let source = stages.firstIndex(where: { $0.form.output == .exchange && $0.form.input != .exchange }) else {
            return (0, [])
        }
        return (source + 1, Self.withoutNetwork(stages[(source + 1)...]))
    }

    /// The stages at the beginning of a list that takes exchanges, as far as they can be run without a network.
    package static func withoutNetwork(_ list: some Sequence<Entry>) -> [Entry] {
        Array(
            list.prefix { entry in
                entry.form.input == .exchange
                    && (entry.form.output == .exchange || entry.form.output == .end && !entry.prepared.needs.contains(.network))
            })
    }
}

extension LoadedConfiguration {
    /// The stage at a place as `StagePlace.path` has it: `3`, or in a branch `3.home.1`.
    package func entry(at path: String) -> Entry? {
        var list = stages
        var parts = path.split(separator: ".").map(String.init)[...]
        while let number = parts.popFirst().flatMap({ Int($0) }), list.indices.contains(number - 1) {
            let entry = list[number - 1]
            guard let name = parts.popFirst() else { return entry }
            guard let branch = entry.branches.first(where: { $0.name == name }) else { return nil }
            list = branch.stages
        }
        return nil
    }
}

extension LoadedConfiguration.Entry {
    /// Makes this one stage; the context has those of its branches.
    package func make(_ context: StageContext) throws -> any Stage { try prepared.make(context) }
}
