package import Logging
package import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One line of a log. Whatever a peer may have written is made harmless: no line breaks, no control characters.
package enum LogLine {
    /// Seconds of the Unix epoch and milliseconds.
    package struct Time: Sendable {
        package var seconds: Int
        package var milliseconds: Int

        package init(seconds: Int, milliseconds: Int) {
            self.seconds = seconds
            self.milliseconds = milliseconds
        }
    }

    static func now() -> Time {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Time(seconds: time.tv_sec, milliseconds: time.tv_nsec / 1_000_000)
    }

    package static func format(
        _ format: LogSettings.Format, time: Time, level: Logger.Level, message: String, metadata: [(String, String)]
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(256)
        switch format {
        case .text: text(&line, time, level, message, metadata)
        case .json: json(&line, time, level, message, metadata)
        }
        line.append(0x0A)
        return line
    }

    private static func text(
        _ line: inout [UInt8], _ time: Time, _ level: Logger.Level, _ message: String, _ metadata: [(String, String)]
    ) {
        line.append(contentsOf: stamp(time).utf8)
        line.append(0x20)
        line.append(contentsOf: level.rawValue.utf8)
        line.append(contentsOf: repeatElement(0x20, count: max(1, 9 - level.rawValue.utf8.count)))
        line.append(contentsOf: message.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x3F : $0 })
        for (key, value) in metadata {
            line.append(0x20)
            line.append(contentsOf: key.utf8)
            line.append(0x3D)
            let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
            if isPlain { line.append(contentsOf: value.utf8) } else { quoted(value, &line) }
        }
    }

    private static func json(
        _ line: inout [UInt8], _ time: Time, _ level: Logger.Level, _ message: String, _ metadata: [(String, String)]
    ) {
        line.append(contentsOf: "{\"time\":\"\(stamp(time))\",\"level\":\"\(level.rawValue)\",\"message\":".utf8)
        quoted(message, &line)
        for (key, value) in metadata {
            line.append(0x2C)
            quoted(key, &line)
            line.append(0x3A)
            quoted(value, &line)
        }
        line.append(0x7D)
    }

    /// A JSON string (RFC 8259, 7).
    private static func quoted(_ text: String, _ line: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        line.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C:
                line.append(0x5C)
                line.append(byte)
            case 0..<0x20, 0x7F:
                line.append(contentsOf: "\\u00".utf8)
                line.append(digits[Int(byte >> 4)])
                line.append(digits[Int(byte & 15)])
            default:
                line.append(byte)
            }
        }
        line.append(0x22)
    }

    /// RFC 3339, in UTC.
    private static func stamp(_ time: Time) -> String {
        let utc = Timestamp.utc(time.seconds)
        let fraction = String(time.milliseconds + 1_000).dropFirst()
        return "\(utc.prefix(10))T\(utc.dropFirst(11).prefix(8)).\(fraction)Z"
    }
}
