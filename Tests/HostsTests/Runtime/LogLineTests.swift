import Foundation
import Logging
import Pipeline
import Platform
import Runtime
import Testing

/// What a line of the log looks like, and that all of them go one way.
@Suite struct LogLineTests {
    private static let hostile = "a\nb\u{7F}"

    private func line(_ body: (inout LineBuffer) -> Void) -> Substring {
        var line = LineBuffer()
        body(&line)
        let text = String(decoding: line.bytes, as: UTF8.self)
        // Behind the time.
        return text[(text.firstIndex(of: "Z") ?? text.startIndex)...]
    }

    @Test(arguments: [
        (LogSettings.Format.text, "Z warning  a?b? key=\"a\\u000ab\\u007f\" plain=x\n"),
        (
            .json,
            "Z\",\"level\":\"warning\",\"message\":\"a\\u000ab\\u007f\",\"key\":\"a\\u000ab\\u007f\",\"plain\":\"x\"}\n"
        ),
    ])
    func hostileTextEndsNoLine(_ format: LogSettings.Format, _ expected: String) {
        let line = line { line in
            LogLine.write(
                format, level: .warning, message: Self.hostile, metadata: [("key", Self.hostile), ("plain", "x")], into: &line)
        }
        #expect(line == expected)
    }

    /// Who logs while what is logged is described doesn't wait for itself.
    @Test(.timeLimit(.minutes(10))) func whatIsLoggedMayLog() async throws {
        struct Talkative: CustomStringConvertible, Sendable {
            var logger: Logger
            var description: String {
                logger.info("inner")
                return "x"
            }
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("fluidity-\(UUID().uuidString)").path
        let writer = LineWriter(.file(file), limit: 10_000)
        try writer.open()
        let logger = Logger(label: "test") { _ in StandardErrorLogHandler(level: .info, format: .text, writer: writer) }
        logger.info("outer", metadata: ["value": .stringConvertible(Talkative(logger: logger))])
        await writer.finish(within: .seconds(50))
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.map { $0.split(separator: " ").dropFirst(2).joined(separator: " ") } == ["inner", "outer value=x"])
        try? FileManager.default.removeItem(atPath: file)
    }
}
