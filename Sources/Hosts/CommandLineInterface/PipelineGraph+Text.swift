import Pipeline

extension PipelineGraph {
    /// A list as lines for a terminal, its branches below the stage that has them.
    static func lines(_ entries: [LoadedConfiguration.Entry], of pipeline: LoadedConfiguration, width: Int) -> [String] {
        entries.flatMap { entry -> [String] in
            let padding = String(repeating: " ", count: max(0, width - entry.name.count))
            let settings = chosen(entry)
            var lines = [entry.name + (settings.isEmpty ? "" : "\(padding)  \(settings)")]
            for (index, branch) in entry.branches.enumerated() {
                let isLast = index == entry.branches.count - 1
                lines.append("  \(isLast && entry.form.output == .end ? "└─" : "├─") \(branch.name)\(conditions(of: entry, index))")
                let margin = isLast && entry.form.output == .end ? "       " : "  │    "
                lines += Self.lines(branch.stages, of: pipeline, width: width).map { margin + $0 }
            }
            if pipeline.wakesServer(in: entry) {
                lines.append("  ┆  exchanges wait here while the server is woken ('lifecycle')")
            }
            if entry.form.output != .end { lines.append("  │  \(entry.form.output.plural)") }
            return lines
        }
    }

    /// What somebody has set, on one line.
    private static func chosen(_ entry: LoadedConfiguration.Entry) -> String { line(entry.ownSettings) }

    /// What somebody has set of a branch beside its name and its stages.
    private static func conditions(of entry: LoadedConfiguration.Entry, _ index: Int) -> String {
        let elements = entry.settingNodes.flatMap { node -> [[SettingNode]] in
            if case .list(_, let elements) = node { elements } else { [] }
        }
        guard elements.indices.contains(index) else { return "" }
        let settings = elements[index].compactMap { node -> ConfigurationSetting? in
            guard case .value(var setting) = node else { return nil }
            setting.path = setting.path.split(separator: ".").dropFirst(2).joined(separator: ".")
            return setting.path == "name" ? nil : setting
        }
        let text = line(settings)
        return text.isEmpty ? "" : "  \(text)"
    }

    private static func line(_ settings: [ConfigurationSetting]) -> String {
        let line = settings.filter { $0.origin != .standard }.map { "\($0.path): \($0.value)" }.joined(separator: ", ")
        return line.count <= 100 ? line : line.prefix(97) + "..."
    }
}
