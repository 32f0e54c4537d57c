import Foundation
import Logging
import Testing

@testable import Pipeline

@Suite struct ConfigurationLoaderTests {
    private let minimal = "pipeline: [accept: { listen: \"127.0.0.1:8080\" }, http, fetch]\n"

    @Test func defaults() throws {
        let loaded = try ConfigurationLoader.test().load(text: minimal, file: "t.yaml", host: nil)
        #expect(loaded.drain == .seconds(30))
        #expect(loaded.eventLoops == nil)
        #expect(loaded.log == LogSettings())
        #expect(loaded.host == .server)
        #expect(loaded.stages.map(\.name) == ["accept", "http", "fetch"])
        #expect(
            loaded.stages.map(\.position) == [.init(line: 1, column: 12), .init(line: 1, column: 50), .init(line: 1, column: 56)])
        #expect((loaded.stages[1].configuration as? HTTPFactory.Configuration) == HTTPFactory.Configuration())
    }

    /// The form of a stage with two follows from its place.
    @Test func forms() throws {
        let text = """
            pipeline:
              - accept: { listen: "127.0.0.1:1" }
              - mtls: { certificate: /etc/passwd, key: /etc/group, names: [a] }
              - frame
              - frame
              - mtls: { certificate: /etc/passwd, key: /etc/group, names: [a] }
              - connect: { to: "server:1" }
            """
        let loaded = try ConfigurationLoader.test().load(text: text, file: "t.yaml", host: nil)
        #expect(loaded.host == .agent)
        #expect(
            loaded.stages.map(\.form) == [
                .init(.start, .inbound), .init(.inbound, .inbound), .init(.inbound, .exchange), .init(.exchange, .outbound),
                .init(.outbound, .outbound), .init(.outbound, .end),
            ]
        )
    }

    @Test func hosts() throws {
        let loader = ConfigurationLoader.test()
        #expect(try loader.load(text: "pipeline: [lambda, fetch]", file: "t", host: nil).host == .lambda)
        #expect(try loader.load(text: minimal, file: "t", host: .agent).host == .agent)
        #expect(try loader.load(text: "host: agent\n" + minimal, file: "t", host: nil).host == .agent)
        #expect(
            loader.errors(in: "host: agent\n" + minimal, host: .server) == [
                "t.yaml:1:7: error: this file is for the host 'agent', not for 'server'\nhost: agent\n      ^"
            ]
        )
    }

    @Test func plan() throws {
        let loaded = try ConfigurationLoader.test().load(text: minimal, file: "t.yaml", host: nil)
        #expect(try loaded.plan(logger: Logger(label: "test")).stages.map(\.name) == ["accept", "http", "fetch"])
    }

    @Test func anErrorOfAFactoryHasAPlace() throws {
        let text = "pipeline:\n  - accept: { listen: \"127.0.0.1:1\" }\n  - http\n  - fetch\n"
        let loaded = try ConfigurationLoader.test().load(text: text, file: "t.yaml", host: nil)
        let expected = """
            t.yaml:2:23: error: 'accept': port 1 is reserved
              - accept: { listen: "127.0.0.1:1" }
                                  ^
            """
        let errors = #expect(throws: ConfigurationErrors.self) { try loaded.plan(logger: Logger(label: "test")) }
        #expect(errors?.description == expected)

        let override = ConfigurationOverride(path: "pipeline.accept.listen", value: "[::1]:1", origin: "--listen")
        let other = try ConfigurationLoader.test().load(text: text, file: "t.yaml", host: nil, overrides: [override])
        let overridden = #expect(throws: ConfigurationErrors.self) { try other.plan(logger: Logger(label: "test")) }
        #expect(overridden?.description == "--listen: error: 'accept': port 1 is reserved")
    }

    @Test func anUnavailableResourceIsNoConfigurationError() throws {
        let text = minimal.replacing("8080", with: "2")
        let loaded = try ConfigurationLoader.test().load(text: text, file: "t.yaml", host: nil)
        let error = #expect(throws: StageError.self) { try loaded.plan(logger: Logger(label: "test")) }
        #expect(error?.code == .unavailable)
    }

    @Test func oneMistakeGivesOneError() {
        let list = "pipeline:\n  - accept: { listen: \"127.0.0.1:1\" }\n"
        #expect(ConfigurationLoader.test().errors(in: list + "  - mlts: { x: y }\n  - frame\n  - fetch\n").count == 1)
        #expect(ConfigurationLoader.test().errors(in: list + "  - fetch\n").count == 1)
        #expect(ConfigurationLoader.test().errors(in: list + "  - http\n  - fetch\n  - rate-limit: { rate: 1/s }\n").count == 1)
        #expect(ConfigurationLoader.test().errors(in: list + "  - http\n  - fetch\n  - http\n  - fetch\n").count == 1)
        #expect(ConfigurationLoader.test().errors(in: list + "  - http\n  - fetsh\n").count == 1)
    }

    @Test func describesItselfWithoutSecrets() throws {
        let text = """
            pipeline:
              - accept: { listen: "unix:/tmp/s" }
              - http
              - rate-limit: { rate: 1/s, token: hunter2 }
              - fetch
            """
        let loaded = try ConfigurationLoader.test().load(text: text, file: "t.yaml", host: nil)
        #expect(
            loaded.description == """
                host: server
                drain: 30s
                log: { level: info, format: text }
                pipeline:
                  - accept:
                      listen: "unix:/tmp/s"
                      max-connections: 10000
                      idle: 5m
                      limits: { head: 64KiB, rate: null }
                  - http:
                      mode: proxy
                      via: true
                  - rate-limit:
                      rate: 1/s
                      burst: null
                      token: [redacted]
                  - fetch:
                      destinations: [public]

                """
        )
        #expect((loaded.stages[2].configuration as? RateLimitFactory.Configuration)?.token.revealed == "hunter2")
        #expect(!"\(loaded.stages[2].configuration)".contains("hunter2"))
    }

    @Test func describesKeys() {
        let factory: any StageFactory = RateLimitFactory()
        let keys = type(of: factory).describeKeys()
        #expect(keys.map(\.key) == ["rate", "burst", "token"])
        #expect(keys.map(\.defaultValue) == [nil, "null", "[redacted]"])
        #expect(keys.map(\.range) == ["1/d...1000000/s", "1...", nil])
        #expect(keys.map(\.isSecret) == [false, false, true])
        #expect(keys[0].type == "a rate such as 200/s")
        #expect(AcceptFactory.describeKeys().last?.keys.map(\.key) == ["head", "rate"])
    }

    @Test func files() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fluidity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ text: String, _ name: String) throws {
            try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        try write("hunter2\n\n", "token")
        try write("not a rate\n", "rate")
        try write(String(repeating: "x", count: 70_000), "large")
        try Data([0xFF, 0xFE]).write(to: folder.appendingPathComponent("binary"))
        let list = "pipeline:\n  - accept: { listen: \"127.0.0.1:1\" }\n  - http\n"
        try write(list + "  - rate-limit: { rate: 1/s, token: \"${file:token}\" }\n  - fetch\n", "good.yaml")
        try write(
            list + "  - rate-limit:\n      rate: ${file:rate}\n      token: ${file:large}\n"
                + "  - fetch: { destinations: [\"${file:binary}\", \"${file:gone}\"] }\n", "bad.yaml"
        )
        try write(String(repeating: "#", count: ConfigurationLoader.sizeLimit + 1), "huge.yaml")

        let loaded = try ConfigurationLoader.test().load(path: folder.path + "/good.yaml", host: nil)
        #expect((loaded.stages[2].configuration as? RateLimitFactory.Configuration)?.token.revealed == "hunter2\n")
        func messages(_ name: String) -> [String] {
            do {
                _ = try ConfigurationLoader.test().load(path: folder.path + "/" + name, host: nil)
                return []
            } catch {
                return error.errors.map { $0.message.replacingOccurrences(of: folder.path, with: "DIR") }
            }
        }
        #expect(
            messages("bad.yaml") == [
                "'rate' wants a rate such as 200/s, not what stands here", "the file 'DIR/large' has more than 64KiB",
                "the file 'DIR/binary' is not UTF-8 text", "the file 'DIR/gone' can't be read: it doesn't exist",
            ]
        )
        #expect(messages("huge.yaml") == ["the file has more than 1MiB"])
        #expect(messages("none.yaml") == ["the file can't be read: it doesn't exist"])
        #expect(messages("binary") == ["the file is not UTF-8 text"])
        #expect(messages("") == ["the file can't be read: it is a folder"])
    }

    @Test(arguments: [
        ("${env:A}", "1"), ("x${env:A}y${env:B}z", "x1y2z"), ("${env:C:-3}", "3"), ("${env:EMPTY:-3}", "3"), ("${env:EMPTY}", ""),
        ("${env:A:-3}", "1"), ("${env:C:-}", ""), ("$${env:A}", "${env:A}"), ("$5", "$5"), ("a$${b}${env:A}", "a${b}1"),
        ("${env:NESTED}", "${env:A}"), ("${env:C:-a:-b}", "a:-b"),
    ])
    func substitution(_ text: String, _ expected: String) {
        var substitution = Substitution(environment: ["A": "1", "B": "2", "EMPTY": "", "NESTED": "${env:A}"], directory: "")
        let node = ConfigurationNode(.scalar(.init(text)), origin: .file(.init(line: 1, column: 1)))
        guard case .scalar(let scalar) = substitution.apply(to: node).content else {
            Issue.record("no scalar")
            return
        }
        #expect(scalar.text == expected)
        #expect(substitution.findings.isEmpty)
    }

    @Test(arguments: ["\n", "\r\n", "\r", "\u{85}", "\u{2028}"])
    func positionsWithEveryLineBreak(_ lineBreak: String) {
        let text = "\u{FEFF}# ä 🐟\n\ndrain: 5s # ä\npipelin: []\n".replacing("\n", with: lineBreak)
        let errors = ConfigurationLoader.test().errors(in: text)
        #expect(errors.contains { $0.hasPrefix("t.yaml:4:1: error: the file has no key 'pipelin'\npipelin: []\n^") })
    }

    @Test func columnsCountScalars() {
        let errors = ConfigurationLoader.test().errors(in: "pipeline: [\"e\u{301}🐟\", accept]")
        #expect(errors.contains { $0.hasPrefix("t.yaml:1:19: error: 'accept' needs the key 'listen'") })
    }
}
