import ConfigurationLanguage
import Pipeline
import Testing

@Suite struct ConfigurationEditorTests {
    private func edited(_ text: String, _ path: String = "pipeline.connect.to", _ value: String = "new.example:2") throws -> String
    {
        try ConfigurationEditor(text: text, file: "t.yaml").setting(path: path, to: value)
    }

    /// What stands in the file, and what stands there afterwards.
    @Test(arguments: [
        ("- connect: { to: \"old:1\" }", "- connect: { to: \"new.example:2\" }"),
        ("- connect: { wait: 5s, to: 'old:1', x: y }  # why", "- connect: { wait: 5s, to: 'new.example:2', x: y }  # why"),
        ("- connect: {to: old:1}", "- connect: {to: \"new.example:2\"}"),
        ("- connect: { to: old:1, wait: 5s }", "- connect: { to: \"new.example:2\", wait: 5s }"),
        (
            "- connect:\n      # the server\n      to: old:1   # changes\n      wait: 5s",
            "- connect:\n      # the server\n      to: \"new.example:2\"   # changes\n      wait: 5s"
        ),
        ("- connect:\n      to:\n        old:1\n", "- connect:\n      to:\n        \"new.example:2\"\n"),
        ("- connect:\n      to: \"a\\\"b\" # x", "- connect:\n      to: \"new.example:2\" # x"),
        ("- connect:\n      to: 'it''s' # x", "- connect:\n      to: 'new.example:2' # x"),
        ("- connect:\n      to:  # none yet", "- connect:\n      to: \"new.example:2\"  # none yet"),
        ("- connect:\n      to: ~", "- connect:\n      to: \"new.example:2\""),
        ("- connect:\n      wait: 5s # w", "- connect:\n      to: \"new.example:2\"\n      wait: 5s # w"),
        ("- connect: { wait: 5s }", "- connect: { to: \"new.example:2\", wait: 5s }"),
        ("- connect: {wait: 5s}", "- connect: { to: \"new.example:2\", wait: 5s}"),
        ("- connect: {}", "- connect: { to: \"new.example:2\" }"),
        ("- connect", "- connect: { to: \"new.example:2\" }"),
        ("- connect  # nothing", "- connect: { to: \"new.example:2\" }  # nothing"),
        ("- connect:", "- connect: { to: \"new.example:2\" }"),
        ("- \"connect\": { \"to\": \"${env:X}\" }", "- \"connect\": { \"to\": \"new.example:2\" }"),
    ])
    func replacesOneValue(_ before: String, _ after: String) throws {
        let head = "# agent\n\nhost: agent   # here\npipeline:\n  - accept: { listen: \"127.0.0.1:1\" } # ä\n  "
        let tail = "\n# the end\n"
        #expect(try edited(head + before + tail) == head + after + tail)
        let windows = { (text: String) in "\u{FEFF}" + text.replacing("\n", with: "\r\n") }
        #expect(try edited(windows(head + before + tail)) == windows(head + after + tail))
    }

    @Test("A file that is included is a list of stages")
    func included() throws {
        let text = "# the tunnel\n- mtls: { name: a }   # who\n- connect:\n    to: 'old:1'\n"
        #expect(try edited(text) == text.replacing("old:1", with: "new.example:2"))
        #expect(throws: ConfigurationErrors.self) { try edited(text, "drain", "6s") }
        #expect(throws: ConfigurationErrors.self) { try edited("- include: other.yaml\n") }
        #expect(throws: ConfigurationErrors.self) { try edited("connect\n") }
    }

    @Test func setsOtherPaths() throws {
        #expect(try edited("drain: 5s\npipeline: []\n", "drain", "6s") == "drain: 6s\npipeline: []\n")
        #expect(try edited("# x\npipeline: []\n", "drain", "6s") == "# x\ndrain: 6s\npipeline: []\n")
        #expect(try edited("pipeline: []\n", "log.level", "debug") == "log: { level: debug }\npipeline: []\n")
        #expect(try edited("{ pipeline: [] }", "drain", "6s") == "{ drain: 6s, pipeline: [] }")
        #expect(try edited("pipeline: [a, a: { x: 1 }]", "pipeline.a[2].x", "a b") == "pipeline: [a, a: { x: \"a b\" }]")
    }

    @Test(arguments: [
        ("pipeline: [accept]", "the pipeline has no stage 'connect'"), ("pipeline: [", "this is not YAML"),
        ("pipeline: [connect, connect]", "'connect' stands in the list 2 times"),
        ("pipeline:\n  - connect:\n      to: |\n        old:1\n", "can't be set without changing the file's layout"),
        ("pipeline:\n  - connect:\n      to: old\n        more\n", "can't be set without changing the file's layout"),
        ("pipeline:\n  - connect:\n      to: [a]\n", "can't be set without changing the file's layout"),
    ])
    func refuses(_ text: String, _ message: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try edited(text) }
        #expect(error?.description.contains(message) ?? false)
    }
}
