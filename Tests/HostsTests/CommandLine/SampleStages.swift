import ConfigurationLanguage
import Instruments
import Pipeline

/// Stages that do nothing and have one of everything that a description can have.
struct SampleStage<Input: Medium, Output: Medium>: Stage {
    struct Unassembled: Error {}

    func assemble(_ downstream: Output.Port, on shard: Shard) throws -> Input.Port { throw Unassembled() }
}

struct SampleSource: StageFactory {
    struct Configuration: StageConfiguration {
        var listen = ListenAddress.tcp(host: "127.0.0.1", port: 8080)
        static let schema = Schema<Configuration>(.required("listen", \.listen, "Address and port."))
    }

    static let name = "doors"
    static let summary = "Lets exchanges in."
    static let forms = [StageForm(.start, .exchange)]
    static let needs: HostNeeds = [.listening]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        SampleStage<Start, Exchange>()
    }
}

struct SampleFilter: StageFactory {
    enum Mode: String, ConfigurationChoice {
        case strict
        case relaxed
    }

    struct Limits: NestedConfiguration {
        var count = 10
        var rate: Rate?
        var weight = 0.5
        static let schema = Schema<Limits>(
            .optional("count", \.count, in: 1...100, "How many | at once."),
            .optional("rate", \.rate, "How often."),
            .optional("weight", \.weight, in: 0.0...1.0, "How much.")
        )
    }

    struct Configuration: StageConfiguration {
        var mode = Mode.strict
        var token = Secret("")
        var hosts: [String] = []
        var wait = Duration.seconds(5)
        var body = ByteCount.kibibytes(64)
        var limits = Limits()
        var isOn = true
        var file: FilePath?

        static let schema = Schema<Configuration>(
            .optional("mode", \.mode, "How strict it is."),
            .required("token", \.token, "Opens the quota."),
            .optional("hosts", \.hosts, "Hosts that it is for."),
            .optional("wait", \.wait, in: .zero...(.seconds(60)), "How long an exchange waits."),
            .optional("body", \.body, "The largest body."),
            .optional("limits", \.limits, "Bounds."),
            .optional("enabled", \.isOn, "Whether it does anything."),
            .optional("file", \.file, "A list of names.")
        )
    }

    static let name = "quota"
    static let summary = "Lets through what is within a quota."
    static let forms = [StageForm(.exchange, .exchange)]
    static let reference = StageReference(
        details: "Counts exchanges, and refuses those that are too many.\n\nIt stands behind what knows who is asking.",
        example: "- quota: { token: \"${env:TOKEN}\", limits: { count: 5 } }",
        metrics: [MetricDescription(.counter, "fluidity_quota_refused_total", "Exchanges that were refused.")],
        notes: ["Counts are lost when the program ends."])

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        SampleStage<Exchange, Exchange>()
    }
}

struct SampleSink: StageFactory {
    struct Configuration: StageConfiguration {
        static let schema = Schema<Configuration>()
    }

    static let name = "well"
    static let summary = "Answers nothing."
    static let forms = [StageForm(.exchange, .end)]

    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
        SampleStage<Exchange, End>()
    }
}

extension StageRegistry {
    static var samples: StageRegistry {
        var registry = StageRegistry()
        registry.register(SampleSource())
        registry.register(SampleFilter())
        registry.register(SampleSink())
        return registry
    }
}
