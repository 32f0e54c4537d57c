import CommandLineInterface
import Pipeline
import Stages
import Testing

/// What `fluidity print` and `fluidity graph` make of a file.
@Suite struct DrawingTests {
    private let agent = """
        log: { level: notice }
        pipeline:
          - accept: { listen: "127.0.0.1:8080" }
          - http
          - frame
          - connect: { to: "tunnel.example.org:8443" }
        """
    private let server = """
        host: server
        pipeline:
          - accept: { listen: "0.0.0.0:8443" }
          - frame
          - fetch: { destinations: [public, 10.0.0.0/8] }
        """

    private func load(_ text: String, _ file: String) throws -> LoadedConfiguration {
        try ConfigurationLoader(registry: .standard(), environment: [:]).load(text: text, file: file, host: nil)
    }

    @Test(arguments: PipelineGraph.Format.allCases)
    func graph(_ format: PipelineGraph.Format) throws {
        let graph = try PipelineGraph([load(agent, "agent.yaml"), load(server, "server.yaml")])
        try Golden.expect(graph.drawn(as: format), "graph.\(format)")
    }

    @Test(arguments: PipelineGraph.Format.allCases)
    func `A server that is woken is seen at the stage that has it woken`(_ format: PipelineGraph.Format) throws {
        let waking = "lifecycle: { wake-endpoint: https://control.example/wake }\n" + agent
        let drawn = try PipelineGraph([load(waking, "agent.yaml")]).drawn(as: format)
        let line = drawn.split(separator: "\n").filter { $0.contains(format == .text ? "lifecycle" : "wakes the server") }
        #expect(line.count == 1)
        let still = try PipelineGraph([load(agent, "agent.yaml")]).drawn(as: format)
        #expect(!still.contains("lifecycle") && !still.contains("wakes"))
    }

    /// Every origin that a value can have, and a secret that is not shown wherever it comes from.
    @Test func print() throws {
        let text = """
            drain: ${env:DRAIN:-20s}
            pipeline:
              - doors: { listen: "127.0.0.1:80" }
              - quota:
                  token: hush
                  hosts: ["${env:HOST}.example", b]
                  limits:
                    count: 5
              - well
            """
        let loaded = try ConfigurationLoader(
            registry: .samples, environment: ["HOST": "a", "FLUIDITY_LOG_LEVEL": "debug", "FLUIDITY_PIPELINE_QUOTA_WAIT": "1s"]
        ).load(
            text: text, file: "quota.yaml", host: nil,
            overrides: [
                .init(path: "pipeline.quota.limits.rate", value: "5/s", origin: "--set pipeline.quota.limits.rate"),
                .init(path: "event-loops", value: "2", origin: "--set event-loops"),
            ])
        let printed = ConfigurationPrinter.text(of: loaded)
        let lines = printed.split(separator: "\n").map(String.init)
        let pipeline = try #require(lines.firstIndex(of: "pipeline:"))
        try Golden.expect(lines[pipeline...].joined(separator: "\n") + "\n", "print.yaml")
        // A file has more keys than a stage needs to know of.
        let settings = lines[..<pipeline].map(Self.withoutColumns)
        #expect(settings.first == "host: server # from the stages")
        #expect(settings.contains("  level: debug # FLUIDITY_LOG_LEVEL"))
        #expect(settings.contains("drain: 20s # quota.yaml:1, ${env:DRAIN}"))
        #expect(settings.contains("event-loops: 2 # --set event-loops"))
    }

    /// A value and its origin, however far apart they stand.
    private static func withoutColumns(_ line: String) -> String {
        guard let comment = line.firstRange(of: "  # ") else { return line }
        var text = line[..<comment.lowerBound]
        while text.hasSuffix(" ") { text.removeLast() }
        return "\(text) # \(line[comment.upperBound...])"
    }

    /// What is printed is a file that says the same.
    @Test func whatIsPrintedCanBeLoaded() throws {
        let loaded = try load(agent, "agent.yaml")
        let again = try load(ConfigurationPrinter.text(of: loaded), "printed.yaml")
        #expect(again.description == loaded.description)
    }
}
