import ConfigurationLanguage

extension OverrideApplication {
    /// What the key that a path names wants; a text where there is no such key, which is told when it is read.
    func shape(of path: String, registry: StageRegistry) -> ValueShape {
        let segments = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard segments[0] == "pipeline" else { return Self.shape(of: segments[...], among: FileSettings.describeKeys()) }
        guard segments.count > 2, let index = stages.indices(matching: segments[1]).first,
            let factory = registry.factory(named: stages.items[index].name)
        else { return .text }
        return Self.shape(of: segments[2...], among: type(of: factory).describeKeys())
    }

    private static func shape(of path: ArraySlice<String>, among keys: [SchemaDescription]) -> ValueShape {
        guard let key = keys.first(where: { $0.key == path.first }) else { return .text }
        let rest = path.dropFirst()
        guard !rest.isEmpty else { return key.shape }
        // What stands under a name that is up to the user is a text, such as a field's value, unless it can't be one.
        if case .table(let value) = key.shape { return value.mayBeScalar ? .text : value }
        return shape(of: rest, among: key.keys)
    }
}

extension ValueShape {
    /// Whether a list or a mapping can stand there.
    var mayBeInBrackets: Bool {
        switch self {
        case .any, .list, .mapping, .variant, .table: true
        case .oneOf(let shapes): shapes.contains(where: \.mayBeInBrackets)
        case .null, .boolean, .integer, .number, .text, .choice: false
        }
    }

    /// Whether something else can.
    var mayBeScalar: Bool {
        switch self {
        case .boolean, .integer, .number, .text, .choice, .variant: true
        case .oneOf(let shapes): shapes.contains(where: \.mayBeScalar)
        case .any, .null, .list, .mapping, .table: false
        }
    }
}
