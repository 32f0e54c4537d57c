import ConfigurationLanguage

/// What a file says beside its pipeline.
struct FileSettings: StageConfiguration {
    var host: HostKind?
    var log = LogSettings()
    var drain = Duration.seconds(30)
    var eventLoops: Int?
    var lifecycle: LifecycleSettings?
    var addressRecord: AddressRecordSettings?
    var admin: AdminSettings?
    var audit: AuditSettings?
    var otlp: OTLPSettings?
    var profiles = Profiles()
    var tests: [PipelineTest] = []

    static let schema = Schema<FileSettings>(
        .optional("host", \.host, "What runs this file, where the command line doesn't say."),
        .optional("pipeline", \.placeholder, "The stages, from the source to the sink."),
        .optional("log", \.log, "What is logged, and how."),
        .optional("drain", \.drain, in: .zero ... .seconds(86_400), "How long open exchanges have to finish at the end."),
        .optional("event-loops", \.eventLoops, in: 1...1_024, "Event loops, each with a thread; one for each core by default."),
        .optional("lifecycle", \.lifecycle, "How an agent has its server started and stopped."),
        .optional("address-record", \.addressRecord, "A DNS record of Route 53 that a server points to itself when it starts."),
        .optional("admin", \.admin, "Answers questions about the running pipeline. Off where the key isn't there."),
        .optional(
            "audit", \.audit,
            "Records what matters for security: certificates, refusals, configurations, start and end. Off where the key isn't there."
        ),
        .optional(
            "otlp", \.otlp,
            "Sends traces, and metrics where that is wanted, to a collector of OpenTelemetry. Off where the key isn't there."),
        .optional(
            "profiles", \.profiles,
            "Values above the file's own, for `--profile NAME` or FLUIDITY_PROFILE: by name, each a mapping of paths as in `--set`."
        ),
        .optional("tests", \.tests, "Requests, and what is expected of the pipeline: what 'fluidity test' runs.")
    )

    /// The pipeline is read apart, but its key is known here, so that hints can name it.
    private var placeholder: Placeholder {
        get { Placeholder() }
        set {}
    }
}

private struct Placeholder: ConfigurationValue {
    static let typeDescription = "a list of stages"
    static let shape = ValueShape.stages
    static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Placeholder? { Placeholder() }
    var printed: String { "" }
}
