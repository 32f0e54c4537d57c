public import ConfigurationLanguage

/// The `otlp` key of a file: a collector that gets traces and metrics by OTLP/HTTP.
public struct OTLPSettings: NestedConfiguration {
    /// `to`: the collector's URL without the path of a signal: `/v1/traces` and `/v1/metrics` are put behind it.
    public var to: EndpointURL?
    /// `ratio`: of the traces that begin here, so many are sent, from 0 to 1. Those of exchanges that end with an error always are.
    public var ratio = 0.01
    /// `begin`: whether an exchange whose request belongs to no trace begins one.
    public var begin = true
    /// `metrics`: how often all metrics are sent; nil for never.
    public var metrics: Duration?
    /// `service`: `service.name` of what is sent; nil for `fluidity-agent` and the like.
    public var service: String?
    /// `fields`: header fields of each request to the collector, a key of its API say.
    public var fields = FieldList()

    public init() {}

    public static let schema = Schema<OTLPSettings>(
        .required(
            "to", \.to, "The collector's URL, http://127.0.0.1:4318 say. Traces go to /v1/traces behind it, metrics to /v1/metrics."
        ),
        .optional(
            "ratio", \.ratio, in: 0...1,
            "How many of the traces that begin here are sent, from 0 to 1. Those of exchanges that end with an error always are."),
        .optional(
            "begin", \.begin,
            "Whether a request without a valid 'traceparent' begins a trace: it gets the field, which goes to the other end and to the origin. If not, only requests that have one are traced."
        ),
        .optional("metrics", \.metrics, in: .seconds(1) ... .seconds(3_600), "How often all metrics are sent as well."),
        .optional("service", \.service, "What the collector knows the program by. The default is 'fluidity-' and the host's kind."),
        .secret("fields", \.fields, "Header fields of each request to the collector: { Authorization: \"Bearer …\" }.")
    )

    public func validate() -> [ConfigurationProblem] {
        guard let to else {
            return [ConfigurationProblem("'to' names no collector", key: "to", hint: "write its URL, http://127.0.0.1:4318 say")]
        }
        var problems: [ConfigurationProblem] = []
        if to.text.contains("?") {
            problems.append(
                ConfigurationProblem(
                    "the collector's URL can't have a query", key: "to",
                    hint: "the signal's path is put behind it; what the collector wants to know can stand in 'fields'"))
        }
        if !fields.fields.list.isEmpty, let problem = to.exposure(of: "'fields' go", key: "to") { problems.append(problem) }
        return problems
    }
}
