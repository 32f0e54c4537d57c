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
        pipelines.count == 2 && pipelines[0].sinks.contains { $0.form.input == .outbound }
            && pipelines[1].stages.first?.form.output == .inbound
    }

    private var text: String {
        let width = pipelines.flatMap(\.allStages).map(\.name.count).max() ?? 0
        let parts = pipelines.map { pipeline in
            "\(pipeline.file) (\(pipeline.host.rawValue))\n\n"
                + Self.lines(pipeline.stages, of: pipeline, width: width).map { "  \($0)\n" }.joined()
        }
        return parts.joined(separator: areJoined ? "    │\n    ▼\n" : "\n")
    }

    /// A stage and an arrow between two, by the numbers of the stages among all of their pipeline.
    private struct Drawing {
        var names: [String] = []
        var arrows: [(from: Int, to: Int, label: String)] = []
        /// The numbers of those that dial.
        var ends: [Int] = []

        init(_ pipeline: LoadedConfiguration) { _ = add(pipeline.stages, of: pipeline) }

        /// - Returns: The first of the list, and the last with what flows out of it.
        private mutating func add(
            _ entries: [LoadedConfiguration.Entry], of pipeline: LoadedConfiguration
        ) -> (first: Int, last: [(number: Int, label: String)])? {
            var first: Int?
            var before: [(number: Int, label: String)] = []
            for entry in entries {
                let number = names.count
                names.append(PipelineGraph.label(entry, of: pipeline))
                first = first ?? number
                arrows += before.map { ($0.number, number, $0.label) }
                before = entry.form.output == .end ? [] : [(number, entry.form.output.plural)]
                if entry.form.input == .outbound, entry.form.output == .end { ends.append(number) }
                for branch in entry.branches {
                    guard let list = add(branch.stages, of: pipeline) else { continue }
                    let isWayIn = entry.form.output != .end
                    arrows.append(
                        isWayIn
                            ? (list.last.last?.number ?? number, number, branch.name) : (number, list.first, branch.name))
                }
            }
            return first.map { ($0, before) }
        }
    }

    private var mermaid: String {
        var text = "flowchart LR\n"
        let drawings = pipelines.map(Drawing.init)
        for (number, pipeline) in pipelines.enumerated() {
            text += "  subgraph p\(number)[\"\(Self.escaped(pipeline.file))\"]\n    direction LR\n"
            for (index, name) in drawings[number].names.enumerated() {
                text += "    p\(number)s\(index)[\"\(Self.escaped(name))\"]\n"
            }
            for arrow in drawings[number].arrows {
                text += "    p\(number)s\(arrow.from) -->|\(arrow.label)| p\(number)s\(arrow.to)\n"
            }
            text += "  end\n"
        }
        if areJoined { for end in drawings[0].ends { text += "  p0s\(end) ==> p1s0\n" } }
        return text
    }

    private var dot: String {
        var text = "digraph pipeline {\n  rankdir=LR;\n  node [shape=box];\n"
        let drawings = pipelines.map(Drawing.init)
        for (number, pipeline) in pipelines.enumerated() {
            text += "  subgraph cluster_\(number) {\n    label=\"\(Self.quoted(pipeline.file))\";\n"
            for (index, name) in drawings[number].names.enumerated() {
                text += "    p\(number)s\(index) [label=\"\(Self.quoted(name))\"];\n"
            }
            for arrow in drawings[number].arrows {
                text += "    p\(number)s\(arrow.from) -> p\(number)s\(arrow.to) [label=\"\(arrow.label)\"];\n"
            }
            text += "  }\n"
        }
        if areJoined { for end in drawings[0].ends { text += "  p0s\(end) -> p1s0 [style=bold];\n" } }
        return text + "}\n"
    }

    fileprivate static func label(_ entry: LoadedConfiguration.Entry, of pipeline: LoadedConfiguration) -> String {
        pipeline.wakesServer(in: entry) ? "\(entry.name), wakes the server" : entry.name
    }

    private static func quoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\"", with: "#quot;")
    }
}
