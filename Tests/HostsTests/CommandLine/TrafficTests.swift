import Filters
import Logging
import Pipeline
import Stages
import Testing

@testable import CommandLineInterface

/// What is read from an access log, and what is made of it.
@Suite struct TrafficTests {
    private static func line(
        _ host: String, method: String = "CONNECT", client: String = "-", failure: String? = nil, verdict: String? = nil
    ) -> String {
        let failure = failure.map { ",\"failure\":\"\($0)\"" } ?? ""
        let verdicts = verdict.map { ",\"verdicts\":[{\"stage\":\"egress\",\"place\":\"3\",\"verdict\":\"\($0)\"}]" } ?? ""
        return
            "{\"time\":\"2026-12-01T08:12:19.123Z\",\"exchange\":{\"id\":\"0\",\"client\":\"\(client)\",\"remote\":\"192.0.2.1:1\",\"method\":\"\(method)\",\"host\":\"\(host)\",\"status\":200,\"received\":0,\"sent\":0,\"microseconds\":1\(failure)\(verdicts)}}"
    }

    private static func traffic(_ lines: [String]) -> LoggedTraffic { LoggedTraffic(Array(lines.joined(separator: "\n").utf8)) }

    private static func load(_ stages: String) throws -> LoadedConfiguration {
        try ConfigurationLoader(registry: .standard(), environment: [:], checksFiles: false).load(
            text: "pipeline:\n  - accept: { listen: \"127.0.0.1:1\" }\n  - http\n\(stages)\n  - fetch\n", file: "server.yaml",
            host: .server)
    }

    @Test func `Lines that are none of an access log are counted`() {
        let read = Self.traffic([Self.line("a.test:443", client: "laptop"), "nonsense", "{\"exchange\":{}}", "{}"])
        #expect(read.unreadable == 3 && read.exchanges.count == 1)
        #expect(read.exchanges.first?.host == "a.test:443" && read.exchanges.first?.client == "laptop")
        #expect(read.exchanges.first?.time == 1_796_112_739)
    }

    @Test func `Rules for what was seen and wasn't refused`() throws {
        let family = (0..<EgressLearning.family).map { Self.line("h\($0).cdn.example:443") }
        let learnt = EgressLearning(
            Self.traffic(
                family + [Self.line("www.other.test:443"), Self.line("10.0.0.1:22"), Self.line("plain.test", method: "GET")]
                    + [Self.line("bad.test:443", failure: "forbidden"), Self.line("worse.test:443", verdict: "refused")]
                    + [Self.line("seen.test:443", verdict: "would-refuse")]))
        #expect(learnt.leftOut == 2 && learnt.exchanges == EgressLearning.family + 4)
        #expect(
            learnt.rules == [
                .init(hosts: ["*.cdn.example", "seen.test", "www.other.test"], ports: [443], exchanges: EgressLearning.family + 2),
                .init(hosts: ["10.0.0.1"], ports: [22], exchanges: 1), .init(hosts: ["plain.test"], ports: [80], exchanges: 1),
            ])
        // What is printed can be loaded.
        let indented = learnt.yaml.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        let egress = try #require(
            try Self.load(indented).stages.first { $0.name == "egress" }?.configuration as? EgressConfiguration)
        #expect(egress.mode == .observe && egress.rules.count == 3 && egress.otherwise == .deny)
    }

    @Test func `Settings that differ, and stages that only one has`() throws {
        let old = try Self.load("  - egress: { rules: [{ allow: { hosts: [a.test] } }], otherwise: deny }")
        let new = try Self.load("  - egress: { rules: [{ allow: { hosts: [a.test] } }], otherwise: allow }\n  - retry")
        let text = ConfigurationDifference(old: old, new: new).text
        #expect(text.contains("~ pipeline.egress.otherwise: deny (server.yaml:4) -> allow (server.yaml:4)"), "\(text)")
        #expect(text.contains("+ pipeline.retry: there (server.yaml:5)") && !text.contains("pipeline.accept"), "\(text)")
        #expect(ConfigurationDifference(old: new, new: old).text.contains("- pipeline.retry: there"))
        #expect(ConfigurationDifference(old: old, new: old).text == "Every value is the same.\n")
    }

    @Test func `Which exchanges would be treated differently`() async throws {
        let old = try Self.load("  - egress: { rules: [{ allow: { hosts: [a.test, b.test] } }] }")
        let new = try Self.load("  - egress: { rules: [{ deny: { hosts: [b.test] } }], otherwise: allow }")
        let traffic = Self.traffic([
            Self.line("a.test:443"), Self.line("b.test:443"), Self.line("b.test:443"), Self.line("c.test:443"),
        ])
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let difference = try await TrafficDifference.make(traffic, old: old, new: new, logger: logger)
        #expect(difference.compared == 4 && difference.groups.map(\.count) == [2, 1])
        #expect(difference.groups.first?.old == "goes on" && difference.groups.first?.new == "403 from 'egress' (server.yaml:4)")
        #expect(difference.groups.last?.request == "CONNECT c.test:443" && difference.groups.last?.new == "goes on")
        #expect(difference.text().hasPrefix("Of 4 exchanges, 3 would be treated differently."))
        let same = try await TrafficDifference.make(traffic, old: old, new: old, logger: logger)
        #expect(same.groups.isEmpty && same.compared == 4)
    }
}
