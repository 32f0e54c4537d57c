import ConfigurationLanguage

/// How a path names an entry of a list: by the entry's `name`, by its only key, by the name that it is alone, or by its number.
enum ListEntry {
    /// What an entry is called; nil where it can be reached by its number alone.
    static func name(of node: ConfigurationNode) -> String? {
        switch node.content {
        case .scalar(let scalar): return scalar.text
        case .mapping(let entries):
            if case .scalar(let scalar)? = node[key: "name"]?.content { return scalar.text }
            return entries.count == 1 ? entries[0].key : nil
        case .null, .sequence: return nil
        }
    }

    /// Whether the entry's keys stand below its name, and not beside it.
    static func hasKeysBelowName(_ node: ConfigurationNode) -> Bool { node[key: "name"] == nil }

    /// What stands below an entry's name, or beside it.
    static func keys(of node: ConfigurationNode) -> ConfigurationNode? {
        guard hasKeysBelowName(node) else { return node }
        guard case .mapping(let entries) = node.content else { return nil }
        return entries.first?.value
    }

    /// The entries that a segment of a path means: `frame`, `frame[2]` or `3`.
    static func indices(matching segment: String, in names: [String?]) -> [Int] {
        if let number = Int(segment) { return names.indices.contains(number - 1) ? [number - 1] : [] }
        let parts = segment.split(separator: "[", maxSplits: 1)
        let name = parts.first.map(String.init) ?? ""
        let named = names.indices.filter { names[$0] == name }
        guard parts.count == 2 else { return named }
        guard parts[1].hasSuffix("]"), let number = Int(parts[1].dropLast()), named.indices.contains(number - 1) else {
            return []
        }
        return [named[number - 1]]
    }
}
