import ConfigurationLanguage

/// A key of a loaded stage: a value, or what has stages within.
package indirect enum SettingNode {
    /// A value, by its dotted path.
    case value(ConfigurationSetting)
    /// A list of mappings in which stages stand, each with its keys.
    case list(key: String, elements: [[SettingNode]])
    /// A list of stages.
    case stages(key: String, entries: [LoadedConfiguration.Entry])
}

extension LoadedConfiguration.Entry {
    /// Every key with its value and where that comes from, the stages of branches at their places.
    package var settingNodes: [SettingNode] {
        var rest = branches[...]
        return Self.nodes(of: configuration, placed: prepared.places, below: "", &rest)
    }

    /// The same without the keys in which stages stand.
    package var ownSettings: [ConfigurationSetting] {
        settingNodes.compactMap { if case .value(let setting) = $0 { setting } else { nil } }
    }

    private static func nodes<Configuration: StageConfiguration>(
        of configuration: Configuration, placed places: SettingPlaces, below path: String,
        _ branches: inout ArraySlice<LoadedConfiguration.Branch>
    ) -> [SettingNode] {
        var nodes: [SettingNode] = []
        for (field, key) in zip(Configuration.schema.fields, Configuration.describeKeys()) {
            if key.shape == .stages {
                nodes.append(.stages(key: field.key, entries: branches.popFirst()?.stages ?? []))
            } else if key.keys.contains(where: { $0.shape == .stages }), let elements = field.nestedList(configuration) {
                let place = path.isEmpty ? field.key : "\(path).\(field.key)"
                var list: [[SettingNode]] = []
                for (index, element) in elements.enumerated() {
                    list.append(Self.nodes(of: element, placed: places, below: "\(place).\(field.key)[\(index + 1)]", &branches))
                }
                nodes.append(.list(key: field.key, elements: list))
            } else {
                nodes += configuration.settings(of: field, placed: places, below: path, isSecret: false).map(SettingNode.value)
            }
        }
        return nodes
    }
}
