/// A configuration's files with their texts, for printing what is wrong with them. Blanks out the secrets that stand in the texts.
package struct ConfigurationSource: Sendable {
    /// The name of the configuration's own file, as errors print it.
    package let file: String
    /// The names of all its files.
    package private(set) var files: SourceFiles
    /// The text of each file, the configuration's own first; nil where there is none to show.
    private var texts: [SourceText?]
    /// What must not be shown, by line, whose column is 1: ranges of columns.
    private var secrets: [SourcePosition: [Range<Int>]] = [:]
    /// For a text that can't be parsed: in a line with a word that sounds like a secret, what follows the first colon is blank.
    package var blanksByWord = false

    /// A source that has no secrets yet.
    /// - Parameter text: Nil where there is none to show: errors then have no position and no line.
    package init(file: String, text: SourceText?) {
        self.file = file
        files = SourceFiles(file)
        texts = [text]
    }

    /// The text of the configuration's own file; nil where there is none to show.
    package var text: SourceText? { texts[0] }

    /// Every text in the order in which they were read.
    package var allTexts: [SourceText] { texts.compactMap { $0 } }

    /// Adds a file that is included.
    /// - Returns: Its number, for positions.
    package mutating func add(file: String, text: SourceText) -> Int {
        texts.append(text)
        return files.add(file)
    }

    private func text(at position: SourcePosition) -> SourceText? {
        texts.indices.contains(position.file) ? texts[position.file] : nil
    }

    /// Blanks the values of secret keys, and of keys that sound like secrets wherever they stand.
    package mutating func blankSecrets(in root: ConfigurationNode, known: Set<SourcePosition>) {
        blank(root, isSecret: false, known: known)
    }

    private mutating func blank(_ node: ConfigurationNode, isSecret: Bool, known: Set<SourcePosition>) {
        guard case .file(let position) = node.origin else { return }
        let isSecret = isSecret || known.contains(position)
        switch node.content {
        case .null:
            break
        case .scalar(let scalar):
            if isSecret, !Substitution.isReference(scalar.text) { blank(node, at: position) }
        case .sequence(let nodes):
            for node in nodes { blank(node, isSecret: isSecret, known: known) }
        case .mapping(let entries):
            for entry in entries { blank(entry.value, isSecret: isSecret || Self.soundsSecret(entry.key), known: known) }
        }
    }

    private mutating func blank(_ node: ConfigurationNode, at position: SourcePosition) {
        guard let text = text(at: position), let start = text.offset(of: position) else { return }
        let end = ScalarSpan.end(of: node, from: start, in: text)
        let last = text.position(of: end)
        for number in position.line...max(position.line, last.line) {
            guard let line = text.line(number) else { continue }
            let lower = number == position.line ? position.column - 1 : 0
            let upper = number == last.line ? last.column - 1 : line.count
            if lower < upper { secrets[Self.key(number, position), default: []].append(lower..<upper) }
        }
    }

    private static func key(_ line: Int, _ position: SourcePosition) -> SourcePosition {
        var key = SourcePosition(line: line, column: 1)
        key.file = position.file
        return key
    }

    private static func soundsSecret(_ key: String) -> Bool {
        let key = key.lowercased()
        return ["secret", "password", "passphrase", "token", "credential", "api_key"].contains { key.contains($0) }
    }

    /// A finding with its place and its line.
    package func error(_ finding: ConfigurationFinding) -> ConfigurationError {
        switch finding.origin {
        case .override(let origin):
            return ConfigurationError(
                file: origin, severity: finding.severity, message: finding.message, hint: finding.hint
            )
        case .file(let position):
            return ConfigurationError(
                file: files.name(of: position), position: text(at: position) == nil ? nil : position, severity: finding.severity,
                message: finding.message,
                hint: finding.hint, sourceLine: line(at: position)
            )
        }
    }

    /// The longest part of a line that is shown, in columns.
    private static let longestLine = 240

    /// A line as it may be shown: secrets starred out, control characters replaced. Nothing where the place is too far right.
    private func line(at position: SourcePosition) -> String? {
        guard let text = text(at: position), let range = text.line(position.line), position.column <= Self.longestLine else {
            return nil
        }
        var shown = Array(text.scalars[range].prefix(Self.longestLine))
        if blanksByWord, let colon = shown.firstIndex(of: ":"), Self.soundsSecret(String(String.UnicodeScalarView(shown))) {
            for index in shown.indices.suffix(from: colon + 1) { shown[index] = "*" }
        }
        for secret in secrets[Self.key(position.line, position)] ?? [] {
            for index in secret.clamped(to: 0..<shown.count) { shown[index] = "*" }
        }
        for index in shown.indices where shown[index] != "\t" && shown[index].properties.generalCategory == .control {
            shown[index] = "\u{FFFD}"
        }
        return String(String.UnicodeScalarView(shown))
    }
}
