import ArgumentParser
import ConfigurationLanguage
package import Pipeline

struct PrintCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "print",
        abstract: "Print a configuration as it counts: every value, and where it comes from.",
        discussion: """
            The output is a configuration file again, with defaults, environment and command line put in. Secrets are redacted, \
            paths resolved.

            EXAMPLES
              fluidity print agent.yaml
              FLUIDITY_DRAIN=5s fluidity print agent.yaml --set pipeline.connect.wait=1s
            """)

    @Argument(help: "The file.")
    var file: String

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            let configuration = try options.load(file, host: nil, checksFiles: false)
            for warning in configuration.warnings { Reporting.write(warning.description) }
            print(ConfigurationPrinter.text(of: configuration), terminator: "")
        }
    }
}

/// Writes a loaded configuration as YAML, with the origin of each value behind it.
package enum ConfigurationPrinter {
    private struct Line {
        var text: String
        var comment: String?
    }

    /// The configuration as YAML, secrets redacted, the origin of each value in a comment behind it.
    package static func text(of configuration: LoadedConfiguration) -> String {
        var lines: [Line] = []
        for setting in configuration.fileSettings where !["pipeline", "profiles", "tests"].contains(setting.path) {
            var setting = setting
            if setting.path == "host" {
                lines.append(
                    Line(
                        text: "host: \(configuration.host.rawValue)",
                        comment: setting.value == "null" ? "from the stages" : comment(setting, configuration)))
                continue
            }
            if setting.value.isEmpty { setting.value = "\"\"" }
            add(setting, configuration, indentation: "", to: &lines)
        }
        lines.append(Line(text: "pipeline:"))
        add(configuration.stages, configuration, indentation: "  ", to: &lines)
        let width = min(48, lines.filter { $0.comment != nil }.map(\.text.count).max() ?? 0)
        return lines.map { line in
            guard let comment = line.comment else { return line.text + "\n" }
            return line.text + String(repeating: " ", count: max(0, width - line.text.count)) + "  # \(comment)\n"
        }.joined()
    }

    private static func add(
        _ entries: [LoadedConfiguration.Entry], _ configuration: LoadedConfiguration, indentation: String, to lines: inout [Line]
    ) {
        for entry in entries {
            let nodes = entry.settingNodes
            let place = configuration.place(of: entry)
            lines.append(Line(text: "\(indentation)- \(entry.name)\(nodes.isEmpty ? "" : ":")", comment: place))
            add(nodes, configuration, indentation: indentation + "    ", below: 0, to: &lines)
        }
    }

    /// - Parameter depth: How many keys of the values' paths are those of what they stand in.
    private static func add(
        _ nodes: [SettingNode], _ configuration: LoadedConfiguration, indentation: String, below depth: Int, to lines: inout [Line]
    ) {
        for node in nodes {
            switch node {
            case .value(var setting):
                setting.path = setting.path.split(separator: ".").dropFirst(depth).joined(separator: ".")
                add(setting, configuration, indentation: indentation, to: &lines)
            case .list(let key, let elements):
                lines.append(Line(text: "\(indentation)\(key):"))
                for element in elements {
                    let first = lines.count
                    add(element, configuration, indentation: indentation + "    ", below: depth + 2, to: &lines)
                    guard lines.indices.contains(first) else { continue }
                    lines[first].text = "\(indentation)  - " + lines[first].text.dropFirst(indentation.count + 4)
                }
            case .stages(let key, let entries):
                lines.append(Line(text: "\(indentation)\(key):"))
                add(entries, configuration, indentation: indentation + "  ", to: &lines)
            }
        }
    }

    /// A value on its line, below the mappings that it is in.
    private static func add(
        _ setting: ConfigurationSetting, _ configuration: LoadedConfiguration, indentation: String, to lines: inout [Line]
    ) {
        let keys = setting.path.split(separator: ".").map(String.init)
        var margin = indentation
        for key in keys.dropLast() {
            // The mapping is open already where an earlier value stands in it.
            if !isOpen("\(margin)\(key):", above: margin, in: lines) { lines.append(Line(text: "\(margin)\(key):")) }
            margin += "  "
        }
        // Without quotes YAML would take it for a list.
        let value = setting.value == Secret.redacted ? "\"\(setting.value)\"" : setting.value
        lines.append(Line(text: "\(margin)\(keys.last ?? ""): \(value)", comment: comment(setting, configuration)))
    }

    private static func isOpen(_ header: String, above margin: String, in lines: [Line]) -> Bool {
        for line in lines.reversed() {
            if line.text == header { return true }
            if !line.text.hasPrefix(margin + "  ") { return false }
        }
        return false
    }

    private static func comment(_ setting: ConfigurationSetting, _ configuration: LoadedConfiguration) -> String {
        let origin = configuration.words(for: setting.origin)
        return setting.references.isEmpty ? origin : "\(origin), \(setting.references.joined(separator: " "))"
    }
}
