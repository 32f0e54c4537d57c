import ConfigurationLanguage

/// Puts overrides into a parsed file: first those of the environment, then those of the command line.
///
/// A value from outside is a text, and what it is depends on the key alone. Where a text is wanted it counts as it is, to the last
/// blank; where a list or a mapping is wanted too, one in brackets is read as YAML's.
struct OverrideApplication {
    private(set) var root: ConfigurationNode
    private(set) var stages: StageList
    private(set) var findings: [ConfigurationFinding] = []

    init(root: ConfigurationNode, stages: StageList) {
        self.root = root
        self.stages = stages
    }

    mutating func apply(_ change: ConfigurationOverride, registry: StageRegistry) {
        let shape = shape(of: change.path, registry: registry)
        guard let value = node(change.value, shape: shape, origin: .override(change.origin)) else { return }
        set(change.path, to: value)
    }

    /// Sets what a path means. What is wrong with the path is reported at the value's origin.
    mutating func set(_ path: String, to value: ConfigurationNode) {
        let origin = value.origin
        let segments = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard !segments.contains("") else { return report("'\(path)' is not a path", at: origin) }
        guard segments[0] == "pipeline" else {
            root = setting(segments[...], of: root, to: value)
            return
        }
        guard segments.count > 2 else {
            return report("the path must name a stage and a key", at: origin, hint: "write pipeline.STAGE.KEY")
        }
        let indices = stages.indices(matching: segments[1])
        guard indices.count <= 1 else {
            let name = segments[1]
            return report(
                "'\(name)' stands in the list \(indices.count) times", at: origin,
                hint: "say which: " + (1...indices.count).map { "\(name)[\($0)]" }.joined(separator: ", ")
            )
        }
        guard let index = indices.first else {
            return report(
                "the pipeline has no stage '\(segments[1])'", at: origin,
                hint: NearestName.hint(for: segments[1], among: stages.items.map(\.name), otherwise: "its stages are")
            )
        }
        stages.update(index, setting(segments[2...], of: stages.items[index].configuration, to: value))
    }

    private mutating func setting(
        _ path: ArraySlice<String>, of node: ConfigurationNode, to value: ConfigurationNode
    ) -> ConfigurationNode {
        guard let key = path.first else { return value }
        var entries: [ConfigurationNode.Entry] = []
        switch node.content {
        case .mapping(let found): entries = found
        case .null: break
        case .sequence(let nodes): return setting(path, ofList: nodes, in: node, to: value)
        case .scalar:
            report("there are no keys to set in \(node.shown(secret: true))", at: value.origin)
            return node
        }
        let index = entries.firstIndex { $0.key == key }
        let inner = index.map { entries[$0].value } ?? ConfigurationNode(.null, origin: value.origin)
        let changed = setting(path.dropFirst(), of: inner, to: value)
        if let index {
            entries[index].value = changed
        } else {
            entries.append(.init(key: key, keyOrigin: value.origin, value: changed))
        }
        var result = node
        result.content = .mapping(entries)
        return result
    }

    /// The path's first segment names an entry of the list, what follows a key of that entry.
    private mutating func setting(
        _ path: ArraySlice<String>, ofList nodes: [ConfigurationNode], in list: ConfigurationNode, to value: ConfigurationNode
    ) -> ConfigurationNode {
        let names = nodes.map(ListEntry.name)
        guard let segment = path.first, path.count > 1, names.contains(where: { $0 != nil }) else {
            report("there are no keys to set in \(list.shown(secret: true))", at: value.origin)
            return list
        }
        let indices = ListEntry.indices(matching: segment, in: names)
        guard let index = indices.first, indices.count == 1 else {
            let hint =
                indices.isEmpty
                ? NearestName.hint(for: segment, among: names.compactMap { $0 }, otherwise: "its entries are")
                : "say which: " + (1...indices.count).map { "\(segment)[\($0)]" }.joined(separator: ", ")
            report(
                indices.isEmpty
                    ? "the list has no entry '\(segment)'" : "'\(segment)' stands in the list \(indices.count) times",
                at: value.origin, hint: hint)
            return list
        }
        var nodes = nodes
        let entry = nodes[index]
        let rest = path.dropFirst()
        switch entry.content {
        case .mapping(var entries) where ListEntry.hasKeysBelowName(entry):
            entries[0].value = setting(rest, of: entries[0].value, to: value)
            nodes[index].content = .mapping(entries)
        case .scalar(let scalar):
            let keys = setting(rest, of: ConfigurationNode(.null, origin: entry.origin), to: value)
            nodes[index].content = .mapping([.init(key: scalar.text, keyOrigin: entry.origin, value: keys)])
        default:
            nodes[index] = setting(rest, of: entry, to: value)
        }
        var result = list
        result.content = .sequence(nodes)
        return result
    }

    /// A value from outside, as a key of a shape takes it.
    private mutating func node(
        _ text: String, shape: ValueShape, origin: ConfigurationNode.Origin
    ) -> ConfigurationNode? {
        let ends = (text.first { !$0.isWhitespace }, text.last { !$0.isWhitespace })
        guard shape.mayBeInBrackets, ends == ("[", "]") || ends == ("{", "}") else {
            if !shape.mayBeScalar, PlainText.isNull(text) { return ConfigurationNode(.null, origin: origin) }
            var scalar = ConfigurationNode.Scalar(text)
            scalar.isVerbatim = true
            return ConfigurationNode(.scalar(scalar), origin: origin)
        }
        guard text.utf8.count <= ConfigurationLoader.sizeLimit else {
            report("the value is too long", at: origin)
            return nil
        }
        var reader = YAMLReader(SourceText(text))
        let node = reader.read()
        for finding in reader.findings { report(finding.message, at: origin, hint: finding.hint) }
        return reader.findings.isEmpty ? node?.moved(to: origin) : nil
    }

    mutating func report(
        _ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil,
        severity: ConfigurationError.Severity = .error
    ) {
        findings.append(.init(message: message, hint: hint, origin: origin, severity: severity))
    }
}

extension ConfigurationNode {
    fileprivate func moved(to origin: Origin) -> ConfigurationNode {
        var result = self
        result.origin = origin
        result.layout = nil
        switch content {
        case .null, .scalar: break
        case .sequence(let nodes): result.content = .sequence(nodes.map { $0.moved(to: origin) })
        case .mapping(let entries):
            result.content = .mapping(
                entries.map { .init(key: $0.key, keyOrigin: origin, value: $0.value.moved(to: origin)) }
            )
        }
        return result
    }
}
