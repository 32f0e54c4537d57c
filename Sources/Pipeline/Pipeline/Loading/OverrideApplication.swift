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
        case .scalar, .sequence:
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

    private mutating func report(
        _ message: String, at origin: ConfigurationNode.Origin, hint: String? = nil,
        severity: ConfigurationError.Severity = .error
    ) {
        findings.append(.init(message: message, hint: hint, origin: origin, severity: severity))
    }
}

extension OverrideApplication {
    static let prefix = "FLUIDITY_"

    /// Applies the variables that name a key; one that names none, and that no `${env:…}` refers to, is worth a warning.
    mutating func apply(
        environment: [String: String], registry: StageRegistry, ignoring ignored: Set<String>, referred: Set<String> = []
    ) {
        let paths = Self.variables(of: stages, registry: registry)
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            guard variable.hasPrefix(Self.prefix), !ignored.contains(variable) else { continue }
            if let path = paths[variable] {
                apply(ConfigurationOverride(path: path, value: value, origin: variable), registry: registry)
            } else if !referred.contains(variable) {
                report(
                    "this environment variable sets nothing in this file", at: .override(variable),
                    hint: FirstFluidity.hint(forVariable: variable)
                        ?? NearestName.hint(for: variable, among: paths.keys.sorted()),
                    severity: .warning
                )
            }
        }
    }

    /// Every variable that means something to a file, with the path that it sets.
    private static func variables(of stages: StageList, registry: StageRegistry) -> [String: String] {
        var paths: [String: String] = [:]
        func add(_ keys: [SchemaDescription], path: String, variable: String) {
            for key in keys where !(path.isEmpty && key.key == "pipeline") {
                let inner = path.isEmpty ? key.key : "\(path).\(key.key)"
                let name = variable + Self.name(key.key)
                paths[name] = inner
                add(key.keys, path: inner, variable: name + "_")
            }
        }
        add(FileSettings.describeKeys(), path: "", variable: prefix)
        var seen: [String: Int] = [:]
        for item in stages.items {
            guard let factory = registry.factory(named: item.name) else { continue }
            let count = seen[item.name, default: 0] + 1
            seen[item.name] = count
            let keys = type(of: factory).describeKeys()
            let variable = "\(prefix)PIPELINE_\(name(item.name))_"
            if count == 1 { add(keys, path: "pipeline.\(item.name)", variable: variable) }
            add(keys, path: "pipeline.\(item.name)[\(count)]", variable: "\(variable)\(count)_")
        }
        return paths
    }

    private static func name(_ key: String) -> String {
        key.uppercased().replacing("-", with: "_")
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
