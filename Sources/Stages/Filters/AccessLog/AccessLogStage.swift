public import ConfigurationLanguage
import Instruments
import Logging
public import Pipeline
import Platform

/// How a line of the access log is written.
public enum AccessLogFormat: String, Sendable, CaseIterable, ConfigurationChoice {
    /// One JSON object on each line.
    case json
    /// The Combined Log Format of web servers.
    case combined
}

/// How much of an exchange the access log tells.
public enum AccessLogPrivacy: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Neither who nor where to.
    case none
    /// Who, and to which host.
    case host
    /// The path as well, without its query, and what program asked.
    case path
}

/// What `access-log` can be told.
public struct AccessLogConfiguration: StageConfiguration {
    /// Where the lines go; a file is appended to, and opened anew on SIGHUP.
    public var to = OutputPath.standardError
    /// How a line looks.
    public var format = AccessLogFormat.json
    /// How much lines tell of who asked and for what.
    public var privacy = AccessLogPrivacy.host
    /// How many bytes may wait to be written; lines beyond that are left out and counted.
    public var queue = ByteCount(1 << 20)
    /// Whether lines have what each stage said to the exchange.
    public var verdicts = false

    public init() {}

    public static let schema = Schema<AccessLogConfiguration>(
        .optional("to", \.to, "Where the lines go. A file is appended to, and opened anew on SIGHUP."),
        .optional("format", \.format, "How a line looks."),
        .optional(
            "privacy", \.privacy,
            "What lines tell: 'none' neither who nor where to, 'host' who and to which host, 'path' the path without its query as well."
        ),
        .optional(
            "queue", \.queue, in: ByteCount(4 << 10)...ByteCount(256 << 20),
            "What may wait to be written. Lines beyond that are left out and counted, for no exchange waits for a disk."),
        .optional(
            "verdicts", \.verdicts,
            "Whether a line of JSON says what each stage did with the exchange, and which line of the configuration decided.")
    )

    public func validate() -> [ConfigurationProblem] {
        guard verdicts, format != .json else { return [] }
        return [
            ConfigurationProblem("'verdicts' have no place in the format 'combined'", key: "verdicts", hint: "write 'format: json'")
        ]
    }
}

/// Makes the stage `access-log`, and says what it is.
public struct AccessLogFactory: StageFactory {
    public static let name = "access-log"
    public static let summary = "Writes one line for each exchange that passes it, when it has ended."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func make(_ configuration: AccessLogConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        AccessLogStage(configuration: configuration, logger: context.logger, isRehearsed: !context.offers.contains(.network))
    }
}

/// Every exchange that passes leaves a line.
final class AccessLogStage: LoopFilterStage {
    typealias Input = Exchange
    typealias Output = Exchange
    private let configuration: AccessLogConfiguration
    private let logger: Logger
    private let writer: LineWriter
    /// How long the end waits for lines to be written: whoever is to take them may have stopped.
    private static let patience = Duration.seconds(1)

    /// - Parameter isRehearsed: Whether exchanges are made up, so that their lines have no place among those of others.
    init(configuration: AccessLogConfiguration, logger: Logger, isRehearsed: Bool) {
        self.configuration = configuration
        self.logger = logger
        let target: LineWriter.Target =
            switch configuration.to {
            case .standardError: .standardError
            case .file(let path): isRehearsed ? .file("/dev/null") : .file(path)
            }
        // Not in the file itself, where every line is an exchange.
        let report = LineLossReport.call { count in
            logger.warning(
                "\(LineLossReport.sentence(count)) of the access log", metadata: ["to": "\(configuration.to)"])
        }
        writer = LineWriter(target, limit: configuration.queue.bytes, report: report)
    }

    func filter(on shard: Shard) -> AccessLogFilter {
        if configuration.verdicts { shard.askForVerdicts() }
        let line = AccessLogLine(
            format: configuration.format, privacy: configuration.privacy, verdicts: configuration.verdicts)
        return AccessLogFilter(AccessLogGate(line, writer, on: shard))
    }

    func start() async throws {
        do {
            try writer.open()
        } catch {
            throw StageError(.unavailable, error.message, key: "to")
        }
    }

    func stop() async { await writer.finish(within: Self.patience) }

    func status() async -> StageStatus {
        StageStatus(details: ["to": "\(configuration.to)", "lines left out": "\(writer.dropped)"])
    }

    func reopenFiles() async {
        do {
            try writer.open()
        } catch {
            logger.error("the access log can't be opened anew", metadata: ["reason": "\(error)"])
        }
    }
}

/// Puts one gate before all exchanges of a loop.
final class AccessLogFilter: LoopFilter {
    private let gate: AccessLogGate

    fileprivate init(_ gate: AccessLogGate) { self.gate = gate }

    func choice(for exchange: Exchange) -> FilterChoice { .gate(gate) }
}

/// One for all exchanges of a loop: it knows nothing of any of them until it ends.
private final class AccessLogGate: Gate {
    private let line: AccessLogLine
    private let writer: LineWriter
    private let written: Counter

    init(_ line: AccessLogLine, _ writer: LineWriter, on shard: Shard) {
        self.line = line
        self.writer = writer
        let labels = shard.assembling?.labels ?? []
        written = shard.metrics.counter(AccessLogFactory.Metrics.lines, labels)
        if shard.index == 0 {
            let dropped = shard.metrics.counter(
                AccessLogFactory.Metrics.dropped,
                labels)
            shard.metrics.beforeReading { dropped.add(writer.dropped - dropped.value) }
        }
        super.init(interests: .end)
    }

    override func ended(_ exchange: Exchange) {
        if writer.write({ line.write(exchange, into: &$0) }) { written.add() }
    }
}
