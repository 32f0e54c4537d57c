/// Turns a file's text into nodes with positions. What is wrong with it as YAML comes out as findings.
package struct YAMLReader {
    /// The guard finds every anchor; this is the second line of defence, and what tests look for.
    static let missedAnchor = "a configuration can't have anchors and aliases"
    /// Keys that occur twice and are reported; who has more has seen enough.
    private static let repeatedKeysReported = 20

    private let source: SourceText
    private let file: Int
    private let limits: YAMLLimits
    /// How many pieces the text has; known once it was read.
    package private(set) var pieces = 0
    /// What is wrong with the text as YAML, in the order in which it was read.
    package private(set) var findings: [ConfigurationFinding] = []
    private var repeatedKeys = 0

    /// A reader that reads its text once.
    /// - Parameters:
    ///   - file: The number of the text's file, for positions.
    ///   - limits: What the text may be, less than usual where it is a part of something.
    package init(_ source: SourceText, file: Int = 0, limits: YAMLLimits = YAMLLimits()) {
        self.source = source
        self.file = file
        self.limits = limits
    }

    /// The root of the document; nil when it can't be parsed, or there is none.
    package mutating func read() -> ConfigurationNode? {
        var yamlGuard = YAMLGuard(source, limits: limits)
        defer { pieces = yamlGuard.tokens }
        do {
            try yamlGuard.check()
        } catch {
            report(error.message, at: source.position(of: error.offset), hint: error.hint)
            return nil
        }
        do {
            return try document(YAMLEvents(source.text))
        } catch {
            let problem = YAMLProblem(error, source: source)
            report(problem.message, at: problem.position, hint: problem.hint)
            return nil
        }
    }

    private mutating func document(_ events: YAMLEvents) throws(YAMLEvents.Problem) -> ConfigurationNode? {
        guard case .documentStart = try events.next().kind else { return nil }
        let root = try node(try events.next(), of: events, inFlow: false)
        _ = try events.next()
        let rest = try events.next()
        guard case .streamEnd = rest.kind else {
            report("a file has one document, and here another one begins", at: rest.position)
            return nil
        }
        return root
    }

    private mutating func node(
        _ event: YAMLEvents.Event, of events: YAMLEvents, inFlow: Bool
    ) throws(YAMLEvents.Problem) -> ConfigurationNode {
        if event.hasAnchor { report(Self.missedAnchor, at: event.position) }
        let content: ConfigurationNode.Content
        let style: ConfigurationNode.Style
        switch event.kind {
        case .scalar(let text, let written):
            let isNull = written == .plain && ["", "~", "null", "Null", "NULL"].contains(text)
            content = isNull ? .null : .scalar(.init(text))
            style = written
        case .sequenceStart(let isFlow):
            content = .sequence(try nodes(of: events, inFlow: inFlow || isFlow))
            style = inFlow || isFlow ? .flow : .block
        case .mappingStart(let isFlow):
            content = .mapping(try entries(of: events, inFlow: inFlow || isFlow))
            style = inFlow || isFlow ? .flow : .block
        case .alias, .documentStart, .documentEnd, .streamEnd, .collectionEnd:
            report(Self.missedAnchor, at: event.position)
            return ConfigurationNode(.null, origin: origin(event.position))
        }
        var result = ConfigurationNode(content, origin: origin(event.position))
        result.layout = ConfigurationNode.Layout(style: style, inFlow: inFlow)
        return result
    }

    private mutating func nodes(of events: YAMLEvents, inFlow: Bool) throws(YAMLEvents.Problem) -> [ConfigurationNode] {
        var nodes: [ConfigurationNode] = []
        while true {
            let event = try events.next()
            if case .collectionEnd = event.kind { return nodes }
            nodes.append(try node(event, of: events, inFlow: inFlow))
        }
    }

    private mutating func entries(
        of events: YAMLEvents, inFlow: Bool
    ) throws(YAMLEvents.Problem) -> [ConfigurationNode.Entry] {
        var entries: [ConfigurationNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try events.next()
            if case .collectionEnd = event.kind { return entries }
            let key = try node(event, of: events, inFlow: inFlow)
            let value = try node(try events.next(), of: events, inFlow: inFlow)
            let name: String
            switch key.content {
            case .scalar(let scalar): name = scalar.text
            case .null: name = "null"
            case .sequence, .mapping:
                report("a key must be a text", at: event.position)
                continue
            }
            if let line = lines[name] {
                repeatedKeys += 1
                if repeatedKeys <= Self.repeatedKeysReported {
                    report("the key '\(name)' occurs twice", at: event.position, hint: "it stands in line \(line) already")
                }
                continue
            }
            lines[name] = event.position.line
            entries.append(ConfigurationNode.Entry(key: name, keyOrigin: key.origin, value: value))
        }
    }

    private mutating func report(_ message: String, at position: SourcePosition, hint: String? = nil) {
        findings.append(.init(message: message, hint: hint, origin: origin(position), severity: .error))
    }

    private func origin(_ position: SourcePosition) -> ConfigurationNode.Origin {
        var position = position
        position.file = file
        return .file(position)
    }
}
