package import Logging
package import Pipeline
package import Platform

/// One line of a log. Whatever a peer may have written is made harmless: no line breaks, no control characters.
package enum LogLine {
    /// Writes a line with its end. The time in it is that of writing.
    ///
    /// - Parameter metadata: In the order in which it is to stand there.
    package static func write(
        _ format: LogSettings.Format, level: Logger.Level, message: String, metadata: [(key: String, value: String)],
        into line: inout LineBuffer
    ) {
        switch format {
        case .text: text(level, message, metadata, &line)
        case .json: json(level, message, metadata, &line)
        }
        line.append(0x0A)
    }

    /// How a log in a format tells that lines of it were left out.
    package static func lossReport(_ format: LogSettings.Format) -> LineLossReport {
        .line { count, line in
            write(format, level: .warning, message: LineLossReport.sentence(count), metadata: [], into: &line)
        }
    }

    private static func text(
        _ level: Logger.Level, _ message: String, _ metadata: [(key: String, value: String)], _ line: inout LineBuffer
    ) {
        line.appendTime()
        line.append(" ")
        line.append(level.rawValue)
        for _ in 0..<max(1, 9 - level.rawValue.utf8.count) { line.append(0x20) }
        for byte in message.utf8 { line.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte) }
        for (key, value) in metadata {
            line.append(" ")
            line.append(key)
            line.append("=")
            line.appendWord(value)
        }
    }

    private static func json(
        _ level: Logger.Level, _ message: String, _ metadata: [(key: String, value: String)], _ line: inout LineBuffer
    ) {
        line.append("{\"time\":\"")
        line.appendTime()
        line.append("\",")
        line.appendMembers { json in
            json.member("level", level.rawValue)
            json.member("message", message)
            for (key, value) in metadata { json.member(key, value) }
        }
        line.append("}")
    }
}
