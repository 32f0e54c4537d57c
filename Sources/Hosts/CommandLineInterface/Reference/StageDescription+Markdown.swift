import ConfigurationLanguage
import Instruments
import Pipeline

extension StageDescription {
    /// How every page begins.
    static let origin = "<!-- Made by 'make generate' from what the stage says of itself: change that, not this. -->"

    /// The stage's page of the reference.
    package var markdown: String {
        var page = "\(Self.origin)\n\n# \(name)\n\n\(summary)\n\n"
        page += "| takes | yields |\n|---|---|\n"
        for form in forms { page += "| \(form.input.plural) | \(form.output.plural) |\n" }
        if hosts.count < HostKind.allCases.count {
            page += "\nIt runs in the hosts \(hosts.map { "`\($0.rawValue)`" }.joined(separator: ", ")).\n"
        }
        if !reference.details.isEmpty { page += "\n\(reference.details)\n" }
        if !reference.example.isEmpty { page += "\n## Example\n\n```yaml\n\(reference.example)\n```\n" }
        page += "\n## Keys\n\n"
        page += keys.isEmpty ? "None.\n" : "| key | value | default | |\n|---|---|---|---|\n"
        for (path, key) in SchemaDescription.flattened(keys) { page += Self.row(path, key) }
        if !reference.metrics.isEmpty {
            page += "\n## Metrics\n\nBeside those of every stage:\n\n" + Self.table(reference.metrics)
        }
        if !reference.notes.isEmpty {
            page += "\n## Notes\n\n" + reference.notes.map { "- \($0)\n" }.joined()
        }
        return page
    }

    /// The table of all metrics: those of every pipeline, of the process, and of each stage that has some of its own.
    package static func metricsReference(_ stages: [StageDescription]) -> String {
        var parts = [
            ("Every stage", MetricDescription.ofEveryStage), ("Every pipeline", MetricDescription.ofEveryPipeline),
            ("The program", MetricDescription.ofTheProgram),
            ("The process", MetricDescription.ofTheProcess),
        ]
        parts += stages.filter { !$0.reference.metrics.isEmpty }.map { ("`\($0.name)`", $0.reference.metrics) }
        return parts.map { "### \($0.0)\n\n\(table($0.1))" }.joined(separator: "\n")
    }

    private static func table(_ metrics: [MetricDescription]) -> String {
        "| metric | kind | labels | |\n|---|---|---|---|\n"
            + metrics.map { metric in
                let labels = metric.labels.isEmpty ? "–" : metric.labels.map { "`\($0)`" }.joined(separator: ", ")
                return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(cell(metric.help)) |\n"
            }.joined()
    }

    private static func row(_ path: String, _ key: SchemaDescription) -> String {
        var value = cell(key.type)
        if let range = key.range { value += ", \(cell(range))" }
        if key.isSecret { value += ", never shown" }
        let standard = key.isRequired ? "required" : key.keys.isEmpty ? key.defaultValue.map { "`\(cell($0))`" } ?? "" : ""
        return "| `\(path)` | \(value) | \(standard) | \(cell(key.documentation)) |\n"
    }

    /// The page that lists all stages with links to their pages.
    package static func markdownIndex(_ stages: [StageDescription]) -> String {
        var page = "\(origin)\n\n# Stages\n\n"
        page += "What can stand in a pipeline's list. `fluidity stages NAME` prints the same.\n\n"
        page += "| stage | takes | yields | what it does |\n|---|---|---|---|\n"
        for stage in stages {
            let takes = stage.forms.map(\.input.plural).joined(separator: " or ")
            let yields = stage.forms.map(\.output.plural).joined(separator: " or ")
            page += "| [\(stage.name)](\(stage.name).md) | \(takes) | \(yields) | \(cell(stage.summary)) |\n"
        }
        return page
    }

    private static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("\n", with: " ")
    }
}
