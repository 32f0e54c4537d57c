import ArgumentParser
package import Pipeline

struct GraphCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Draw a pipeline with what flows between its stages.",
        discussion: """
            With two files, the first one's outgoing connections lead to the second.

            EXAMPLES
              fluidity graph agent.yaml
              fluidity graph agent.yaml server.yaml --format mermaid
              fluidity graph agent.yaml --format dot | dot -Tsvg > agent.svg
            """)

    @Argument(help: "The files: a pipeline, or an agent's and a server's.")
    var files: [String]

    @Option(help: "How: text, mermaid or dot.")
    var format = PipelineGraph.Format.text

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard files.count <= 2 else { throw ValidationError("one file, or an agent's and a server's") }
    }

    func run() async throws {
        try await Reporting.run {
            let pipelines = try files.map { try options.load($0, host: nil, checksFiles: false) }
            print(PipelineGraph(pipelines).drawn(as: format), terminator: "")
        }
    }
}

/// One pipeline, or two of which the first connects to the second, as a drawing.
package struct PipelineGraph {
    /// What a pipeline is drawn as.
    package enum Format: String, CaseIterable, Sendable, ExpressibleByArgument {
        /// Lines for a terminal.
        case text
        /// A flowchart in Mermaid's language.
        case mermaid
        /// A graph in the language of Graphviz.
        case dot
    }

    private let pipelines: [LoadedConfiguration]

    /// - Parameter pipelines: One or two; the first one's end is joined to the second's beginning where these are a tunnel's.
    package init(_ pipelines: [LoadedConfiguration]) {
        self.pipelines = pipelines
    }

    /// The drawing as text.
    package func drawn(as format: Format) -> String {
        switch format {
        case .text: text
        case .mermaid: mermaid
        case .dot: dot
        }
    }

    /// Whether the first one's end leads to the second's beginning.
    private var areJoined: Bool {
        pipelines.count == 2 && pipelines[0].stages.last?.form.input == .outbound
            && pipelines[1].stages.first?.form.output == .inbound
    }

    private var text: String {
        let width = pipelines.flatMap(\.stages).map(\.name.count).max() ?? 0
        let parts = pipelines.map { pipeline in
            var text = "\(pipeline.file) (\(pipeline.host.rawValue))\n\n"
            for entry in pipeline.stages {
                let padding = String(repeating: " ", count: width - entry.name.count)
                let settings = Self.chosen(entry)
                text += "  \(entry.name)" + (settings.isEmpty ? "" : "\(padding)  \(settings)") + "\n"
                if pipeline.wakesServer(in: entry) {
                    text += "    ┆  exchanges wait here while the server is woken ('lifecycle')\n"
                }
                if entry.form.output != .end { text += "    │  \(entry.form.output.plural)\n" }
            }
            return text
        }
        return parts.joined(separator: areJoined ? "    │\n    ▼\n" : "\n")
    }

    private var mermaid: String {
        var text = "flowchart LR\n"
        for (number, pipeline) in pipelines.enumerated() {
            text += "  subgraph p\(number)[\"\(Self.escaped(pipeline.file))\"]\n    direction LR\n"
            for (index, entry) in pipeline.stages.enumerated() {
                text += "    p\(number)s\(index)[\"\(Self.escaped(Self.label(entry, of: pipeline)))\"]\n"
            }
            for (index, entry) in pipeline.stages.dropLast().enumerated() {
                text += "    p\(number)s\(index) -->|\(entry.form.output.plural)| p\(number)s\(index + 1)\n"
            }
            text += "  end\n"
        }
        if areJoined { text += "  p0s\(pipelines[0].stages.count - 1) ==> p1s0\n" }
        return text
    }

    private var dot: String {
        var text = "digraph pipeline {\n  rankdir=LR;\n  node [shape=box];\n"
        for (number, pipeline) in pipelines.enumerated() {
            text += "  subgraph cluster_\(number) {\n    label=\"\(Self.quoted(pipeline.file))\";\n"
            for (index, entry) in pipeline.stages.enumerated() {
                text += "    p\(number)s\(index) [label=\"\(Self.quoted(Self.label(entry, of: pipeline)))\"];\n"
            }
            for (index, entry) in pipeline.stages.dropLast().enumerated() {
                text += "    p\(number)s\(index) -> p\(number)s\(index + 1) [label=\"\(entry.form.output.plural)\"];\n"
            }
            text += "  }\n"
        }
        if areJoined { text += "  p0s\(pipelines[0].stages.count - 1) -> p1s0 [style=bold];\n" }
        return text + "}\n"
    }

    private static func label(_ entry: LoadedConfiguration.Entry, of pipeline: LoadedConfiguration) -> String {
        pipeline.wakesServer(in: entry) ? "\(entry.name), wakes the server" : entry.name
    }

    /// What somebody has set, on one line.
    private static func chosen(_ entry: LoadedConfiguration.Entry) -> String {
        let settings = entry.placedSettings.filter { $0.origin != .standard }.map { "\($0.path): \($0.value)" }
        let line = settings.joined(separator: ", ")
        return line.count <= 100 ? line : line.prefix(97) + "..."
    }

    private static func quoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\"", with: "#quot;")
    }
}
