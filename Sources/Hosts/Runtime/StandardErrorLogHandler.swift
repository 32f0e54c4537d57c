package import Logging
package import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes each log line to standard error with one system call, as text or as JSON.
package struct StandardErrorLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let format: LogSettings.Format

    package init(level: Logger.Level, format: LogSettings.Format) {
        self.logLevel = level
        self.format = format
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let merged = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        let line = LogLine.format(
            format, time: LogLine.now(), level: event.level, message: event.message.description,
            metadata: merged.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) })
        line.withContiguousBytes { bytes in
            _ = write(STDERR_FILENO, bytes.baseAddress, bytes.count)
        }
    }
}

extension [UInt8] {
    fileprivate func withContiguousBytes(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
}
