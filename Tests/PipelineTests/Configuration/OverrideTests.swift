import ConfigurationLanguage
import HTTPMessages
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

    @Test(
        "The log's level as other programs write it",
        arguments: [
            ("WARN", .warning), ("warn", .warning), ("Warning", .warning), ("INFO", .info), ("Debug", .debug), ("ERROR", .error),
            ("loud", nil), ("", nil), ("warn ", nil),
        ] as [(String, Logger.Level?)])
    func level(_ text: String, _ level: Logger.Level?) throws {
        #expect((try? load(["FLUIDITY_LOG_LEVEL": text]).log.level) == level)
        #expect((try? load([:], ["log.level=\(text)"]).log.level) == level)
    }

    @Test func variablesOfTheFirstFluidity() throws {
        let warnings = try load(["FLUIDITY_SERVER_IP": "203.0.113.7"]).warnings.map(\.description)
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("the first Fluidity's, now the host in 'to' of the stage 'connect'") == true)
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

    /// Texts that look like something else to YAML.
    private static let lookalikes: [String] = [
        "", " ", "~", "null", "Null", "true", "no", "0", "1e3", "0x7f", "[a]", "[]", "[a", "{a: b}", "{}", "{\"status\":\"ok\"}",
        "\"quoted\"",
        "'quoted'", "#comment", "a #b", "a: b", "a:", "- x", "-", "? a", "*alias", "&anchor", "!tag", "!!str x", "%", "%YAML 1.2",
        "`", "@a",
        "|", ">", " leading", "trailing ", "\ttab", "line\nline", "line\n", "---", "...", "${env:A}", "$${x}", "\\n", "=", "a=b",
        "é", "[::1]",
        "{ [", "] }", "2001:db8::1", "12:34:56", "<<",
    ]

    private func texts(
        _ environment: [String: String], _ arguments: [String] = [], name: String = "file"
    ) throws -> TextsFactory.Configuration {
        var registry = StageRegistry.test
        registry.register(TextsFactory())
        let loaded = try ConfigurationLoader(registry: registry, environment: environment).load(
            text: "pipeline: [accept: { listen: \"127.0.0.1:1\" }, http, texts: { name: \"\(name)\", retry: 1s }, fetch]",
            file: "t.yaml",
            host: nil, overrides: arguments.compactMap { ConfigurationOverride(argument: $0) })
        return try #require(loaded.stages[2].configuration as? TextsFactory.Configuration)
    }

    @Test(arguments: lookalikes)
    func aTextCountsAsItIs(_ text: String) throws {
        let fromEnvironment = try texts(["FLUIDITY_PIPELINE_TEXTS_NAME": text, "FLUIDITY_PIPELINE_TEXTS_REALM": text])
        #expect(fromEnvironment.name == text)
        #expect(fromEnvironment.realm == text)
        let fromCommandLine = try texts([:], ["pipeline.texts.name=\(text)", "pipeline.3.realm=\(text)"])
        #expect(fromCommandLine == fromEnvironment)
        // So does a secret, which may be absent.
        let loaded = try load(["FLUIDITY_PIPELINE_MTLS_PASSPHRASE": text], ["pipeline.mtls.passphrase=\(text)"])
        #expect((loaded.stages[3].configuration as? MTLSFactory.Configuration)?.passphrase?.revealed == text)
        // And one that takes the place of a reference in the file.
        #expect(try texts(["A": text], name: "${env:A}").name == text)
    }

    /// Where no text is wanted, `null` and `~` stand for nothing.
    @Test(arguments: ["null", "~"])
    func nothing(_ text: String) throws {
        #expect(try texts([:]).retry == .seconds(1))
        #expect(try texts(["FLUIDITY_PIPELINE_TEXTS_RETRY": text]).retry == nil)
        let limits = try load(
            [:], ["pipeline.accept.limits.rate=5/s", "pipeline.accept.limits.rate=\(text)", "event-loops=\(text)"])
        #expect((limits.stages[0].configuration as? AcceptFactory.Configuration)?.limits.rate == nil)
        #expect(limits.eventLoops == nil)
        #expect(try load([:], ["log=\(text)"]).log == LogSettings(), "a mapping of nothing")
        #expect(
            errors(["FLUIDITY_DRAIN": text], ["pipeline.mtls.names=\(text)"]) == [
                "FLUIDITY_DRAIN: error: 'drain' wants a duration such as 30s, not '\(text)'",
                "--set pipeline.mtls.names: error: 'names' wants a list, each entry a text, not nothing",
            ])
    }

    @Test func listsAndMappings() throws {
        let loaded = try load(
            ["FLUIDITY_PIPELINE_MTLS_NAMES": " [\"[a]\", b c, 'null', x-y]\n", "FLUIDITY_LOG": "{level: debug, format: json}"],
            ["pipeline.accept.limits={ head: 2KiB, rate: ~ }"])
        #expect((loaded.stages[3].configuration as? MTLSFactory.Configuration)?.names == ["[a]", "b c", "null", "x-y"])
        #expect(loaded.log.format == .json)
        let limits = (loaded.stages[0].configuration as? AcceptFactory.Configuration)?.limits
        #expect(limits == AcceptFactory.Limits(head: .kibibytes(2), rate: nil))
    }

    @Test(arguments: [
        ("pipeline.mtls.names=a", "'names' wants a list, each entry a text, not 'a'\nhint: write a list, even of one: [a]"),
        ("pipeline.mtls.names={a: b}", "'names' wants a list, each entry a text, not a mapping"),
        ("pipeline.mtls.names=[~]", "'names[1]' wants a text, not nothing"),
        ("pipeline.mtls.names=", "'names' wants a list, each entry a text, not ''\nhint: write a list, even of one: [\"\"]"),
        ("drain=[5s]", "'drain' wants a duration such as 30s, not '[5s]'"),
        ("drain=\"5s\"", "'drain' wants a duration such as 30s, not '\"5s\"'"),
        ("drain= 5s", "'drain' wants a duration such as 30s, not ' 5s'"),
        ("drain=", "'drain' wants a duration such as 30s, not ''"),
        ("event-loops={}", "'event-loops' wants a whole number, not '{}'"),
        (
            "log=debug",
            "'log' wants a mapping, not 'debug'\nhint: write its keys as { key: value }, or on lines of their own, indented"
        ),
    ])
    func whatIsRefused(_ argument: String, _ message: String) {
        #expect(errors([:], [argument]) == ["--set \(argument.prefix { $0 != "=" }): error: \(message)"])
    }

    /// What stands under a name of the user's own is a text; the whole mapping is YAML.
    @Test func fields() throws {
        func fields(_ argument: String) throws -> [String] {
            try texts([:], [argument]).fields.fields.list.map { "\($0.name)=\($0.value)" }
        }
        #expect(try fields("pipeline.texts.fields.X-A=[a, b]") == ["X-A=[a, b]"])
        #expect(try fields("pipeline.texts.fields.X-A=null") == ["X-A=null"])
        #expect(try fields("pipeline.texts.fields={X-A: [a, b]}") == ["X-A=a", "X-A=b"])
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

/// A stage whose keys want texts, for the most part.
private struct TextsFactory: StageFactory {
    struct Configuration: StageConfiguration {
        var name: String?
        var realm = "realm"
        var retry: Duration?
        var fields = FieldList()

        static let schema = Schema<Configuration>(
            .optional("name", \.name, "What it calls itself."),
            .optional("realm", \.realm, "What it asks for."),
            .optional("retry", \.retry, "When to come again."),
            .optional("fields", \.fields, "What is sent as well.")
        )
    }

    static let name = "texts"
    static let summary = "Has texts."
    static let forms = [StageForm(.exchange, .exchange)]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        TestStage<Exchange, Exchange>()
    }
}
