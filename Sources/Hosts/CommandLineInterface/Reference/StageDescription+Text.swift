import ConfigurationLanguage
import Instruments
import Pipeline

extension StageDescription {
    /// What `fluidity stages NAME` prints.
    package var text: String {
        var text = "\(name)  \(flow)\n\(wrapped(summary, indentation: "  "))\n"
        if !reference.details.isEmpty {
            text +=
                "\n"
                + reference.details.split(separator: "\n\n").map { wrapped(String($0), indentation: "  ") }
                .joined(separator: "\n\n") + "\n"
        }
        if !reference.example.isEmpty { text += "\nEXAMPLE\n\(indented(reference.example))\n" }
        text += keys.isEmpty ? "\nIt has no keys.\n" : "\nKEYS\n"
        text += SchemaDescription.flattened(keys).map(entry).joined(separator: "\n")
        if !reference.metrics.isEmpty {
            text += "\nMETRICS\n"
            for metric in reference.metrics {
                text +=
                    "  \(metric.name) (\(([metric.kind.rawValue] + metric.labels.map { "by \($0)" }).joined(separator: ", ")))\n\(wrapped(metric.help, indentation: "      "))\n"
            }
        }
        if !reference.notes.isEmpty {
            text += "\nNOTES\n"
            for note in reference.notes { text += wrapped(note, indentation: "  ") + "\n" }
        }
        if hosts.count < HostKind.allCases.count {
            text += "\nIt runs in: \(hosts.map(\.rawValue).joined(separator: ", "))\n"
        }
        return text
    }

    private func entry(_ path: String, _ key: SchemaDescription) -> String {
        var line = "  \(path): \(key.type)"
        if key.isRequired {
            line += ", required"
        } else if let value = key.defaultValue, key.keys.isEmpty {
            line += ", default \(value)"
        }
        if let range = key.range { line += ", \(range)" }
        if key.isSecret { line += ", secret" }
        return line + "\n" + wrapped(key.documentation, indentation: "      ") + "\n"
    }

    private func indented(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }.joined(separator: "\n")
    }

    /// A paragraph in lines of at most 100 columns.
    private func wrapped(_ text: String, indentation: String) -> String {
        var lines: [String] = []
        var line = indentation
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if line.count + word.count >= 100, line.count > indentation.count {
                lines.append(line)
                line = indentation
            }
            line += (line.count > indentation.count ? " " : "") + word
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
