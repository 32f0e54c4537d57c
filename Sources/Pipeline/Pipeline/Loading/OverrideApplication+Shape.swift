import ConfigurationLanguage

extension OverrideApplication {
    /// What the key that a path names wants; a text where there is no such key, which is told when it is read.
    func shape(of path: String, registry: StageRegistry) -> ValueShape {
        let segments = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard segments[0] == "pipeline" else {
            return shape(of: segments[...], among: FileSettings.describeKeys(), in: root, registry)
        }
        guard segments.count > 2, let index = stages.indices(matching: segments[1]).first else { return .text }
        let item = stages.items[index]
        return shape(of: segments[2...], ofStage: item.name, in: item.configuration, registry)
    }

    private func shape(
        of path: ArraySlice<String>, ofStage name: String, in node: ConfigurationNode?, _ registry: StageRegistry
    ) -> ValueShape {
        guard let factory = registry.factory(named: name) else { return .text }
        return shape(of: path, among: type(of: factory).describeKeys(), in: node, registry)
    }

    private func shape(
        of path: ArraySlice<String>, among keys: [SchemaDescription], in node: ConfigurationNode?, _ registry: StageRegistry
    ) -> ValueShape {
        guard let key = keys.first(where: { $0.key == path.first }) else { return .text }
        let rest = path.dropFirst()
        guard let segment = rest.first else { return key.shape }
        // What stands under a name that is up to the user is a text, such as a field's value, unless it can't be one.
        if case .table(let value) = key.shape { return value.mayBeScalar ? .text : value }
        let value = node?[key: key.key]
        guard case .sequence(let entries)? = value?.content,
            let index = ListEntry.indices(matching: segment, in: entries.map(ListEntry.name)).first,
            let name = ListEntry.name(of: entries[index])
        else { return shape(of: rest, among: key.keys, in: value, registry) }
        let inner = ListEntry.keys(of: entries[index])
        switch key.shape {
        case .stages: return shape(of: rest.dropFirst(), ofStage: name, in: inner, registry)
        case .list(.variant):
            let keys = key.keys.first { $0.key == name }?.keys ?? []
            return shape(of: rest.dropFirst(), among: keys, in: inner, registry)
        default: return shape(of: rest.dropFirst(), among: key.keys, in: inner, registry)
        }
    }
}

extension ValueShape {
    /// Whether a list or a mapping can stand there.
    var mayBeInBrackets: Bool {
        switch self {
        case .any, .list, .mapping, .variant, .table, .stages: true
        case .oneOf(let shapes): shapes.contains(where: \.mayBeInBrackets)
        case .null, .boolean, .integer, .number, .text, .choice: false
        }
    }

    /// Whether something else can.
    var mayBeScalar: Bool {
        switch self {
        case .boolean, .integer, .number, .text, .choice, .variant: true
        case .oneOf(let shapes): shapes.contains(where: \.mayBeScalar)
        case .any, .null, .list, .mapping, .table, .stages: false
        }
    }
}
