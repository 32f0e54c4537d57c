import ArgumentParser
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct StagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages",
        abstract: "List the stages, with what each takes and yields, or describe one.",
        discussion: """
            EXAMPLES
              fluidity stages
              fluidity stages fetch
              fluidity stages fetch --json
              fluidity stages --markdown docs/stages
              fluidity stages --metrics
            """)

    @Argument(help: "Describe this stage: its keys, an example, its metrics.")
    var name: String?

    @Flag(help: "Print JSON: an array of stages, or the one that is named.")
    var json = false

    @Option(help: ArgumentHelp("Write a page for each stage into a folder.", valueName: "folder"))
    var markdown: String?

    @Flag(help: "Print the tables of all metrics, in Markdown: those of every pipeline, of the process and of each stage.")
    var metrics = false

    func validate() throws {
        if markdown != nil, json || metrics || name != nil { throw ValidationError("--markdown goes with nothing else") }
        if metrics, json || name != nil { throw ValidationError("--metrics goes with nothing else") }
    }

    func run() throws {
        let stages = KnownStages.registry.factories.map { StageDescription($0) }
        if let markdown { return try ReferenceFolder(path: markdown).write(stages) }
        if metrics { return print(StageDescription.metricsReference(stages), terminator: "") }
        guard let name else {
            return print(json ? JSON.array(stages.map(\.json)).pretty : Self.list(stages), terminator: "")
        }
        guard let stage = stages.first(where: { $0.name == name }) else {
            let hint = NearestName.hint(for: name, among: stages.map(\.name)) ?? "'fluidity stages' lists them"
            throw ValidationError("there is no stage '\(name)'; \(hint)")
        }
        print(json ? stage.json.pretty : stage.text, terminator: "")
    }

    private static func list(_ stages: [StageDescription]) -> String {
        let width = stages.map(\.name.count).max() ?? 0
        return stages.map { stage in
            let padding = String(repeating: " ", count: width - stage.name.count)
            return "\(stage.name)\(padding)  \(stage.flow)\n\(String(repeating: " ", count: width))  \(stage.summary)\n"
        }.joined()
    }
}

/// The folder with the reference's pages. Pages that were made for stages that are no more are removed.
struct ReferenceFolder {
    let path: String

    func write(_ stages: [StageDescription]) throws {
        var pages = ["README.md": StageDescription.markdownIndex(stages)]
        for stage in stages { pages["\(stage.name).md"] = stage.markdown }
        let files = FileManager.default
        do {
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            for file in try files.contentsOfDirectory(atPath: path) where file.hasSuffix(".md") && pages[file] == nil {
                let text = try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
                if text.hasPrefix(StageDescription.origin) { try files.removeItem(atPath: "\(path)/\(file)") }
            }
            for (file, text) in pages {
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"), options: .atomic)
            }
        } catch {
            throw ValidationError("the pages can't be written to '\(path)': \(FileProblem.reason(error))")
        }
    }
}
