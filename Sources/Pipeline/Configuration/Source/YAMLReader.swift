internal import Yams

/// Turns a file's text into nodes with positions. What is wrong with it as YAML comes out as findings.
struct YAMLReader {
    /// The guard finds every anchor; this is the second line of defence, and what tests look for.
    static let missedAnchor = "a configuration can't have anchors and aliases"

    private let source: SourceText
    private(set) var findings: [DecodingContext.Finding] = []
    /// Where a key that occurs twice was changed so that the parser goes on, and what it was called.
    private var renamed: [SourcePosition: String] = [:]

    init(_ source: SourceText) {
        self.source = source
    }

    /// The root of the document; nil when it can't be parsed, or there is none.
    mutating func read() -> ConfigurationNode? {
        var yamlGuard = YAMLGuard(source)
        do {
            try yamlGuard.check()
        } catch {
            report(error.message, at: source.position(of: error.offset), hint: error.hint)
            return nil
        }
        guard let (root, parser) = compose(attempts: yamlGuard.tokens < 5_000 ? 10 : 1) else { return nil }
        // A node knows its anchor only as long as the parser lives.
        return withExtendedLifetime(parser) { convert(root, inFlow: false) }
    }

    /// Parses, again after every key that occurs twice: the parser stops at the first, but everything shall be reported.
    private mutating func compose(attempts: Int) -> (Node, Parser)? {
        var current = source
        for _ in 0..<attempts {
            do {
                let parser = try Parser(yaml: current.text, resolver: .basic, encoding: .utf8)
                return try parser.singleRoot().map { ($0, parser) }
            } catch let YamlError.duplicatedKeysInMapping(names, context) {
                let position = SourcePosition(line: context.mark.line, column: context.mark.column)
                guard let name = names.first, let next = rename(name, at: position, in: current) else {
                    report("a key occurs twice in one mapping", at: position)
                    return nil
                }
                current = next
            } catch let error as YamlError {
                report(error)
                return nil
            } catch {
                report("the file can't be parsed", at: SourcePosition(line: 1, column: 1))
                return nil
            }
        }
        for (position, name) in renamed { report("the key '\(name)' occurs more than once", at: position) }
        return nil
    }

    /// Gives the first of two equal keys another first letter. No column changes, and `convert` finds the old name again.
    private mutating func rename(_ name: String, at position: SourcePosition, in source: SourceText) -> SourceText? {
        guard var offset = source.offset(of: position), offset < source.scalars.count else { return nil }
        if source.scalars[offset] == "'" || source.scalars[offset] == "\"" { offset += 1 }
        guard offset < source.scalars.count, let first = name.unicodeScalars.first, source.scalars[offset] == first,
            let replacement = Unicode.Scalar(UInt32(0xE000 + renamed.count))
        else { return nil }
        renamed[position] = name
        return source.replacing(offset..<offset + 1, with: String(replacement))
    }

    private mutating func convert(_ node: Node, inFlow: Bool) -> ConfigurationNode {
        let position = node.mark.map { SourcePosition(line: $0.line, column: $0.column) } ?? SourcePosition(line: 1, column: 1)
        if node.anchor != nil { report(Self.missedAnchor, at: position) }
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            var result = ConfigurationNode(isNull ? .null : .scalar(.init(scalar.string)), origin: .file(position))
            result.layout = ConfigurationNode.Layout(style: ConfigurationNode.Style(scalar.style), inFlow: inFlow)
            return result
        case .sequence(let sequence):
            let isFlow = inFlow || isBracket(at: position)
            let nodes = sequence.map { convert($0, inFlow: isFlow) }
            var result = ConfigurationNode(.sequence(nodes), origin: .file(position))
            result.layout = ConfigurationNode.Layout(style: isFlow ? .flow : .block, inFlow: inFlow)
            return result
        case .mapping(let mapping):
            let isFlow = inFlow || isBracket(at: position)
            var result = ConfigurationNode(.mapping(entries(of: mapping, inFlow: isFlow)), origin: .file(position))
            result.layout = ConfigurationNode.Layout(style: isFlow ? .flow : .block, inFlow: inFlow)
            return result
        case .alias:
            report(Self.missedAnchor, at: position)
            return ConfigurationNode(.null, origin: .file(position))
        }
    }

    /// Yams takes a collection's style from the wrong event, so the text tells.
    private func isBracket(at position: SourcePosition) -> Bool {
        guard let offset = source.offset(of: position), offset < source.scalars.count else { return false }
        return source.scalars[offset] == "{" || source.scalars[offset] == "["
    }

    private mutating func entries(of mapping: Node.Mapping, inFlow: Bool) -> [ConfigurationNode.Entry] {
        var entries: [ConfigurationNode.Entry] = []
        var lines: [String: Int] = [:]
        for (key, value) in mapping {
            let keyNode = convert(key, inFlow: inFlow)
            guard case .file(let position) = keyNode.origin else { continue }
            var name = ""
            switch keyNode.content {
            case .scalar(let scalar): name = renamed[position] ?? scalar.text
            case .null: name = renamed[position] ?? "null"
            case .sequence, .mapping:
                report("a key must be a text", at: position)
                continue
            }
            let converted = convert(value, inFlow: inFlow)
            if let line = lines[name] {
                report("the key '\(name)' occurs twice", at: position, hint: "it stands in line \(line) already")
                continue
            }
            lines[name] = position.line
            entries.append(ConfigurationNode.Entry(key: name, keyOrigin: keyNode.origin, value: converted))
        }
        return entries
    }

    private mutating func report(_ message: String, at position: SourcePosition, hint: String? = nil) {
        findings.append(.init(message: message, hint: hint, origin: .file(position), severity: .error))
    }

    private mutating func report(_ error: YamlError) {
        let problem = YAMLProblem(error, source: source)
        report(problem.message, at: problem.position, hint: problem.hint)
    }
}

extension ConfigurationNode.Style {
    fileprivate init(_ style: Node.Scalar.Style) {
        switch style {
        case .any, .plain: self = .plain
        case .singleQuoted: self = .singleQuoted
        case .doubleQuoted: self = .doubleQuoted
        case .literal, .folded: self = .text
        }
    }
}
