package import Logging
package import Pipeline
package import Platform

/// Puts each log line, as text or as JSON, among those that wait for standard error: who logs never waits for whoever reads it.
package struct StandardErrorLogHandler: LogHandler {
    /// The level below which nothing is logged: the one that was set for the process while it ran, before this handler's own.
    package var logLevel: Logger.Level {
        get { process.override ?? configured }
        set { configured = newValue }
    }
    private var configured: Logger.Level
    private let process: LogLevel
    /// What every line says beside its own.
    package var metadata: Logger.Metadata = [:]
    /// Kept for the protocol of swift-log, and not asked here.
    package var metadataProvider: Logger.MetadataProvider?
    private let format: LogSettings.Format
    private let writer: LineWriter

    /// A handler without metadata.
    package init(
        level: Logger.Level, format: LogSettings.Format, writer: LineWriter = .standardError, process: LogLevel = .process
    ) {
        self.configured = level
        self.process = process
        self.format = format
        self.writer = writer
    }

    /// One entry of the metadata.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line; the event's metadata goes before the handler's of the same name.
    package func log(event: LogEvent) {
        let merged = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        // Made texts before the line is: what describes itself may do as it likes, and log even.
        let message = event.message.description
        let values = merged.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.description) }
        // Whoever watches waits for it. Of debugging there may be much.
        writer.write(isUrgent: event.level >= .info) { line in
            LogLine.write(format, level: event.level, message: message, metadata: values, into: &line)
        }
    }
}
