import Logging
import Pipeline
import Testing

/// Precedence: file < environment < command line.
@Suite struct OverrideTests {
    private let text = """
        drain: 1s
        pipeline:
          - accept: { listen: "127.0.0.1:8080" }
          - frame: { codec: mux }
          - frame
          - mtls: { certificate: /etc/passwd, key: /etc/group, names: [a] }
          - connect: { to: "server:1" }
        """

    private func load(
        _ environment: [String: String] = [:], _ arguments: [String] = []
    ) throws(ConfigurationErrors) -> LoadedConfiguration {
        try ConfigurationLoader.test(environment)
            .load(text: text, file: "t.yaml", host: nil, overrides: arguments.compactMap { ConfigurationOverride(argument: $0) })
    }

    private func errors(_ environment: [String: String] = [:], _ arguments: [String] = []) -> [String] {
        ConfigurationLoader.test(environment)
            .errors(in: text, overrides: arguments.compactMap { ConfigurationOverride(argument: $0) })
    }

    @Test func precedence() throws {
        #expect(try load().drain == .seconds(1))
        #expect(try load(["FLUIDITY_DRAIN": "2s"]).drain == .seconds(2))
        #expect(try load([:], ["drain=3s"]).drain == .seconds(3))
        #expect(try load(["FLUIDITY_DRAIN": "2s"], ["drain=3s", "drain=4s"]).drain == .seconds(4))
    }

    @Test func everyKindOfPath() throws {
        let loaded = try load(
            [
                "FLUIDITY_LOG_LEVEL": "debug", "FLUIDITY_EVENT_LOOPS": "3", "FLUIDITY_PIPELINE_ACCEPT_MAX_CONNECTIONS": "7",
                "FLUIDITY_PIPELINE_ACCEPT_LIMITS_HEAD": "2KiB", "FLUIDITY_PIPELINE_FRAME_2_CODEC": "json", "OTHER": "x",
            ],
            [
                "log.format=json", "pipeline.accept.limits.rate=5/s", "pipeline.3.window=5", "pipeline.frame[1].window=6",
                "pipeline.mtls.names=[b, c]", "pipeline.connect.to=[::1]:2",
            ]
        )
        #expect(loaded.log.level == .debug)
        #expect(loaded.log.format == .json)
        #expect(loaded.eventLoops == 3)
        #expect(loaded.warnings.isEmpty)
        let accept = try #require(loaded.stages[0].configuration as? AcceptFactory.Configuration)
        #expect(accept.maxConnections == 7)
        #expect(accept.limits == AcceptFactory.Limits(head: .kibibytes(2), rate: Rate(5, per: .second)))
        let frames = loaded.stages[1...2].compactMap { $0.configuration as? FrameFactory.Configuration }
        #expect(frames.map(\.codec) == [.mux, .json])
        #expect(frames.map(\.window.bytes) == [6, 5])
        #expect((loaded.stages[3].configuration as? MTLSFactory.Configuration)?.names == ["b", "c"])
        #expect((loaded.stages[4].configuration as? ConnectFactory.Configuration)?.to == HostPort(host: "::1", port: 2))
    }

    @Test func errorsNameTheOrigin() {
        #expect(
            errors(
                ["FLUIDITY_PIPELINE_CONNECT_WAIT": "soon"],
                ["pipeline.accept.listen=nowhere", "pipeline.accept.lisen=x", "drian=1s"]) == [
                    "--set drian: error: the file has no key 'drian'\nhint: did you mean 'drain'?",
                    "--set pipeline.accept.listen: error: 'listen' wants an address and a port such as 127.0.0.1:8080, or unix:PATH, "
                        + "not 'nowhere': the port is missing",
                    "--set pipeline.accept.lisen: error: 'accept' has no key 'lisen'\nhint: did you mean 'listen'?",
                    "FLUIDITY_PIPELINE_CONNECT_WAIT: error: 'wait' wants a duration such as 30s, not 'soon'",
                ]
        )
    }

    @Test(arguments: [
        ("pipeline.acept.listen=x", "the pipeline has no stage 'acept'\nhint: did you mean 'accept'?"),
        ("pipeline.frame.codec=mux", "'frame' stands in the list 2 times\nhint: say which: frame[1], frame[2]"),
        ("pipeline.frame[3].codec=mux", "the pipeline has no stage 'frame[3]'\nhint: did you mean 'frame'?"),
        ("pipeline.0.codec=mux", "the pipeline has no stage '0'\nhint: its stages are accept, frame, frame, mtls, connect"),
        ("pipeline.accept={}", "the path must name a stage and a key\nhint: write pipeline.STAGE.KEY"),
        ("drain..x=1", "'drain..x' is not a path"),
        ("drain.x=1", "there are no keys to set in what stands here"),
        (
            "pipeline.mtls.names=[a, *b]",
            "'*b' is an alias, and a configuration can't have any"
                + "\nhint: write out what it stands for, or put the text in quotes if it begins with *"
        ),
    ])
    func wrongPaths(_ argument: String, _ message: String) {
        let path = argument.prefix { $0 != "=" }
        #expect(errors([:], [argument]) == ["--set \(path): error: \(message)"])
    }

    @Test func aVariableThatSetsNothingIsAWarning() throws {
        let warnings = try load(["FLUIDITY_DRIAN": "5s", "FLUIDITYX": "1"]).warnings.map(\.description)
        #expect(
            warnings == [
                "FLUIDITY_DRIAN: warning: this environment variable sets nothing in this file\nhint: did you mean 'FLUIDITY_DRAIN'?"
            ]
        )
        let loader = ConfigurationLoader(
            registry: .test, environment: ["FLUIDITY_CONFIG": "x"], ignoredVariables: ["FLUIDITY_CONFIG"])
        #expect(try loader.load(text: text, file: "t.yaml", host: nil).warnings.isEmpty)
        // A file that refers to a variable has a use for it.
        let referring = ConfigurationLoader(registry: .test, environment: ["FLUIDITY_COUNT": "2"])
        let text = text + "\nevent-loops: ${env:FLUIDITY_COUNT}\n"
        #expect(try referring.load(text: text, file: "t.yaml", host: nil).warnings.isEmpty)
    }
}
