import ConfigurationLanguage
import Foundation
import Testing

@testable import Pipeline

/// The records of what matters for security.
@Suite struct AuditLogTests {
    private static func file() -> String { FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).jsonl").path }

    private static func records(_ path: String) throws -> [[String: Any]] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func `Records have their number, and nothing ends their line`() async throws {
        let path = Self.file()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = AuditLog(to: .file(path))
        try log.open()
        log.record(.started, [.version: "1", .host: "agent"])
        log.record(.certificateRefused, [.remote: "a\nb\u{202e}c", .reason: String(repeating: "x", count: 5_000)])
        await log.finish()
        let records = try Self.records(path)
        #expect(records.map { $0["event"] as? String } == ["started", "certificate-refused"])
        #expect(records.map { $0["number"] as? Int } == [1, 2])
        #expect(records.last?["remote"] as? String == "a bc" && (records.last?["reason"] as? String)?.count == 301)
    }

    @Test func `What is left out is said`() async throws {
        let path = Self.file()
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Room for little: what comes faster than it is written is left out.
        let log = AuditLog(to: .file(path), limit: 400)
        try log.open()
        let count = 20_000
        for _ in 0..<count { log.record(.egressRefused, [.client: "somebody", .target: "a.test:443"]) }
        await log.finish()
        let records = try Self.records(path)
        let gaps = records.filter { $0["event"] as? String == "gap" }
        let lost = gaps.compactMap { ($0["lost"] as? String).flatMap { Int($0) } }.reduce(0, +)
        #expect(records.count - gaps.count + lost == count, "every record is there or told of")
        #expect(gaps.allSatisfy { ($0["since"] as? String)?.hasSuffix("UTC") == true })
    }

    @Test func `The document has every event and every member`() throws {
        let here = URL(fileURLWithPath: #filePath)
        let root = (0..<4).reduce(here) { url, _ in url.deletingLastPathComponent() }
        let text = try String(contentsOf: root.appendingPathComponent("docs/audit.md"), encoding: .utf8)
        for event in AuditEvent.allCases { #expect(text.contains("| `\(event.rawValue)` |"), "\(event)") }
        for member in AuditMember.allCases { #expect(text.contains("| `\(member.rawValue)` |"), "\(member)") }
    }
}
