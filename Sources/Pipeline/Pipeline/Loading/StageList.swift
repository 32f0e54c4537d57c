import ConfigurationLanguage

/// The `pipeline` key of a file, entry by entry, before any stage's configuration is read.
struct StageList {
    struct Item {
        var name: String
        var origin: ConfigurationNode.Origin
        var configuration: ConfigurationNode
    }

    /// More than any pipeline has. Each stage is looked at together with all others, so the number is bounded before that.
    static let limit = 256

    private(set) var items: [Item] = []
    private(set) var findings: [ConfigurationFinding] = []

    init(root: ConfigurationNode) {
        guard case .mapping(let entries) = root.content else { return }
        guard let entry = entries.first(where: { $0.key == "pipeline" }) else {
            report("the file needs the key 'pipeline'", at: root.origin, hint: "'pipeline' is a list of stages")
            return
        }
        read(entry.value, noun: "the pipeline", key: "'pipeline'", emptyAt: entry.keyOrigin)
    }

    /// A list within a stage's configuration.
    /// - Parameter noun: The key that has it, in quotes.
    init(_ node: ConfigurationNode, noun: String, emptyAt origin: ConfigurationNode.Origin) {
        read(node, noun: noun, key: noun, emptyAt: origin)
    }

    private mutating func read(
        _ node: ConfigurationNode, noun: String, key: String, emptyAt origin: ConfigurationNode.Origin
    ) {
        switch node.content {
        case .sequence(let nodes):
            if nodes.isEmpty { report("\(noun) has no stages", at: node.origin) }
            guard nodes.count <= Self.limit else {
                report("\(noun) has more than \(Self.limit) stages", at: nodes[Self.limit].origin)
                return
            }
            for node in nodes { append(node) }
        case .null:
            report("\(noun) has no stages", at: origin)
        case .scalar, .mapping:
            report(
                "\(key) wants a list of stages, not \(node.shown(secret: false))", at: node.origin,
                hint: node[key: "include"] == nil
                    ? "begin each stage with '- '" : "write '- include: FILE', as an entry of a list"
            )
        }
    }

    private mutating func append(_ node: ConfigurationNode) {
        switch node.content {
        case .scalar(let scalar):
            let empty = ConfigurationNode(.null, origin: node.origin)
            items.append(Item(name: scalar.text, origin: node.origin, configuration: empty))
        case .mapping(let entries):
            guard let first = entries.first else { return report("a stage needs a name", at: node.origin) }
            var item = Item(name: first.key, origin: first.keyOrigin, configuration: first.value)
            defer { items.append(item) }
            guard entries.count > 1 else { return }
            var hint = "begin each stage with '- ' on a line of its own"
            if case .null = first.value.content {
                hint = "indent what belongs to '\(first.key)' deeper than '\(first.key)' itself"
                // That is what was meant, most likely, so its keys are checked as such.
                item.configuration = ConfigurationNode(.mapping(Array(entries.dropFirst())), origin: entries[1].keyOrigin)
            }
            let second = entries[1]
            report("'\(second.key)' stands beside '\(first.key)' in one entry of the list", at: second.keyOrigin, hint: hint)
        case .null:
            report("an entry of the list is empty", at: node.origin, hint: "write the name of a stage after '- '")
        case .sequence:
            report("a stage is a name with a mapping, not a list", at: node.origin)
        }
    }

    mutating func update(_ index: Int, _ configuration: ConfigurationNode) {
        items[index].configuration = configuration
    }

    /// The entries that a segment of an override's path means: `frame`, `frame[2]` or `3`.
    func indices(matching segment: String) -> [Int] {
        ListEntry.indices(matching: segment, in: items.map(\.name))
    }

    private mutating func report(_ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil) {
        findings.append(.init(message: message, hint: hint, origin: origin, severity: .error))
    }
}
