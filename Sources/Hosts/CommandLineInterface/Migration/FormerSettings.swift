package import ConfigurationLanguage
package import Pipeline

/// What a configuration of the first Fluidity says: its file, and above it the variables.
package struct FormerSettings: Sendable {
    /// The keys that there were.
    package typealias Key = FirstFluidity.Key

    /// One value as a text, and where it stands.
    package struct Value: Sendable {
        /// The text, without quotes.
        package var text: String
        /// Where it was written.
        package var origin: ConfigurationNode.Origin

        /// The variable that it is from; nil for one from the file.
        package var variable: String? {
            if case .override(let name) = origin { name } else { nil }
        }
    }

    /// The values that are set and not empty.
    package private(set) var values: [Key: Value] = [:]
    /// Keys of the file that the first Fluidity doesn't know, in their order.
    package private(set) var strangers: [String] = []
    /// What is wrong with the file.
    package private(set) var problems: [ConfigurationError] = []
    private var source: ConfigurationSource

    /// Reads a file's text; a variable counts above it.
    package init(text: String, file: String, variables: [String: String]) {
        let sourceText = SourceText(text)
        source = ConfigurationSource(file: file, text: sourceText)
        var reader = YAMLReader(sourceText)
        let root = reader.read()
        source.blanksByWord = root == nil
        if let root { source.blankSecrets(in: root, known: []) }
        problems = reader.findings.map(source.error)
        switch root?.content {
        case .mapping(let entries): for entry in entries { take(entry) }
        // A file of comments, where variables say everything.
        case .null: break
        case .scalar, .sequence: report("a configuration of the first Fluidity is a mapping of keys", at: root?.origin)
        // An empty file, or one whose problems are known.
        case nil: break
        }
        for key in Key.allCases {
            guard let name = key.variables.first(where: { !(variables[$0] ?? "").isEmpty }), let text = variables[name] else {
                continue
            }
            values[key] = Value(text: text, origin: .override(name))
        }
    }

    private mutating func take(_ entry: ConfigurationNode.Entry) {
        guard let key = Key(name: entry.key) else {
            if entry.key == "pipeline" {
                report("this file has a pipeline already: it is no configuration of the first Fluidity", at: entry.keyOrigin)
            }
            return strangers.append(entry.key)
        }
        switch entry.value.content {
        case .null: break
        case .scalar(let scalar): if !scalar.text.isEmpty { values[key] = Value(text: scalar.text, origin: entry.value.origin) }
        case .sequence, .mapping: report("'\(entry.key)' wants one value", at: entry.value.origin)
        }
    }

    private mutating func report(_ message: String, at origin: ConfigurationNode.Origin?) {
        problems.append(error(message, at: origin))
    }

    /// What is wrong with the value of a key, with its line.
    package func error(_ message: String, at origin: ConfigurationNode.Origin?, hint: String? = nil) -> ConfigurationError {
        source.error(
            .init(message: message, hint: hint, origin: origin ?? .file(.init(line: 1, column: 1)), severity: .error))
    }

    /// The value of a key; nil where it isn't set.
    package subscript(key: Key) -> Value? { values[key] }
}
