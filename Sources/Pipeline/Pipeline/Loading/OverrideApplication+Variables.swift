import ConfigurationLanguage

extension OverrideApplication {
    static let prefix = "FLUIDITY_"

    /// Applies the variables that name a key; one that names none, and that no `${env:…}` refers to, is worth a warning.
    mutating func apply(
        environment: [String: String], registry: StageRegistry, ignoring ignored: Set<String>, referred: Set<String> = []
    ) {
        let paths = Variables(root: root, stages: stages, registry: registry).paths
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
    private struct Variables {
        private(set) var paths: [String: String] = [:]
        private let registry: StageRegistry

        init(root: ConfigurationNode, stages: StageList, registry: StageRegistry) {
            self.registry = registry
            add(FileSettings.describeKeys(), path: "", variable: prefix, in: root)
            add(
                stages.items.map { ($0.name, $0.configuration) }, path: "pipeline.", variable: "\(prefix)PIPELINE_")
        }

        private mutating func add(_ stages: [(name: String, node: ConfigurationNode?)], path: String, variable: String) {
            var seen: [String: Int] = [:]
            for stage in stages {
                guard let factory = registry.factory(named: stage.name) else { continue }
                let count = seen[stage.name, default: 0] + 1
                seen[stage.name] = count
                let keys = type(of: factory).describeKeys()
                let name = "\(variable)\(Self.name(stage.name))_"
                if count == 1 { add(keys, path: "\(path)\(stage.name)", variable: name, in: stage.node) }
                add(keys, path: "\(path)\(stage.name)[\(count)]", variable: "\(name)\(count)_", in: stage.node)
            }
        }

        private mutating func add(
            _ keys: [SchemaDescription], path: String, variable: String, in node: ConfigurationNode?
        ) {
            for key in keys where !(path.isEmpty && key.key == "pipeline") {
                let inner = path.isEmpty ? key.key : "\(path).\(key.key)"
                let name = variable + Self.name(key.key)
                paths[name] = inner
                let value = node?[key: key.key]
                guard case .sequence(let entries)? = value?.content else {
                    add(key.keys, path: inner, variable: name + "_", in: value)
                    continue
                }
                let named = entries.compactMap { entry in ListEntry.name(of: entry).map { ($0, ListEntry.keys(of: entry)) } }
                switch key.shape {
                case .stages: add(named, path: "\(inner).", variable: name + "_")
                case .list(.mapping):
                    for (entry, node) in named {
                        add(key.keys, path: "\(inner).\(entry)", variable: "\(name)_\(Self.name(entry))_", in: node)
                    }
                default: add(key.keys, path: inner, variable: name + "_", in: nil)
                }
            }
        }

        private static func name(_ key: String) -> String {
            key.uppercased().replacing("-", with: "_")
        }
    }
}
