public import Pipeline

public struct ReplaceConfiguration: StageConfiguration {
    public var word = ""
    public var with = ""
    public var types = ["text/html", "text/plain"]

    public init() {}

    public static let schema = Schema<ReplaceConfiguration>(
        .required("word", \.word, "What is replaced, wherever it occurs; case matters."),
        .required("with", \.with, "What takes its place."),
        .optional("types", \.types, "The media types of the responses that are rewritten.")
    )

    public func validate() -> [ConfigurationProblem] {
        (1...256).contains(word.utf8.count)
            ? [] : [ConfigurationProblem("a word has between 1 and 256 bytes", key: "word")]
    }
}

public struct ReplaceFactory: StageFactory {
    public static let name = "replace"
    public static let summary = "Replaces a word in responses, while they stream."
    public static let forms = [StageForm(.exchange, .exchange)]
    public static let reference = StageReference(
        details: """
            Rewrites bodies of the named media types as they pass. A word is found wherever the chunks of a body are divided; \
            no more than a part of a word is held back.

            Requests ask for bodies that aren't encoded, for in others no word can be found.
            """,
        example: """
            - replace: { word: colour, with: color }
            """,
        metrics: [ReplaceStage.replaced],
        notes: ["Parts of a body (206) and encoded bodies are passed on as they are."])

    public init() {}

    public func make(_ configuration: ReplaceConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        ReplaceStage(configuration: configuration)
    }
}

/// Passes every exchange on, the bodies of some rewritten.
struct ReplaceStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange

    static let replaced = MetricDescription(.counter, "fluidity_replace_words_total", "Words that were replaced.")

    let configuration: ReplaceConfiguration

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        ReplacePort(
            configuration, next: downstream,
            replaced: shard.metrics.counter(Self.replaced, shard.assembling?.labels ?? []))
    }
}

/// One event loop's part of the stage.
final class ReplacePort: ExchangePort {
    let configuration: ReplaceConfiguration
    let replaced: Counter
    private let next: any ExchangePort

    init(_ configuration: ReplaceConfiguration, next: any ExchangePort, replaced: Counter) {
        self.configuration = configuration
        self.next = next
        self.replaced = replaced
    }

    func open(_ exchange: Exchange) {
        guard exchange.request.kind == .plain else { return next.open(exchange) }
        exchange.pass(ReplaceGate(self), towards: next)
    }
}
