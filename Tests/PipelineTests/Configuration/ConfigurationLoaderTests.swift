import Foundation
import Logging
import Testing

@testable import ConfigurationLanguage
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
        try write("{ a: [b] }\n", "mapping")
        try write("not a rate\n", "rate")
        try write("7000000/s", "quick")
        try write(String(repeating: "x", count: 70_000), "large")
        try Data([0xFF, 0xFE]).write(to: folder.appendingPathComponent("binary"))
        let list = "pipeline:\n  - accept: { listen: \"127.0.0.1:1\" }\n  - http\n"
        try write(list + "  - rate-limit: { rate: 1/s, token: \"${file:token}\" }\n  - fetch\n", "good.yaml")
        try write(
            list + "  - rate-limit:\n      rate: ${file:rate}\n      token: ${file:large}\n"
                + "  - fetch: { destinations: [\"${file:binary}\", \"${file:gone}\"] }\n", "bad.yaml"
        )
        // Whatever a file has in it is a text, in a default as well.
        try write(
            list + "  - rate-limit: { rate: 1/s, token: \"${env:NO_TOKEN:-${file:mapping}}\" }\n  - fetch\n", "default.yaml")
        try write(
            list + "  - rate-limit: { rate: 1/s, token: \"${env:NO_TOKEN:-${file:none}}\" }\n  - fetch\n", "no-default.yaml")
        try write(list + "  - rate-limit: { rate: \"${file:quick}\", token: x }\n  - fetch\n", "out-of-range.yaml")
        try write(String(repeating: "#", count: ConfigurationLoader.sizeLimit + 1), "huge.yaml")

        let loaded = try ConfigurationLoader.test().load(path: folder.path + "/good.yaml", host: nil)
        #expect((loaded.stages[2].configuration as? RateLimitFactory.Configuration)?.token.revealed == "hunter2\n")
        let fallback = try ConfigurationLoader.test().load(path: folder.path + "/default.yaml", host: nil)
        #expect((fallback.stages[2].configuration as? RateLimitFactory.Configuration)?.token.revealed == "{ a: [b] }")
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
        // One that is read and out of range isn't shown either: it may be a secret that stands at a wrong key.
        let range = messages("out-of-range.yaml")
        #expect(range.count == 1 && range.allSatisfy { $0.hasPrefix("'rate' ") && !$0.contains("7000000") })
        #expect(messages("no-default.yaml") == ["the file 'DIR/none' can't be read: it doesn't exist"])
        #expect(messages("huge.yaml") == ["the file has more than 1MiB"])
        #expect(messages("none.yaml") == ["the file can't be read: it doesn't exist"])
        #expect(messages("binary") == ["the file is not UTF-8 text"])
        #expect(messages("") == ["the file can't be read: it is a folder"])
    }

    @Test(arguments: [
        ("${env:A}", "1"), ("x${env:A}y${env:B}z", "x1y2z"), ("${env:C:-3}", "3"), ("${env:EMPTY:-3}", "3"), ("${env:EMPTY}", ""),
        ("${env:A:-3}", "1"), ("${env:C:-}", ""), ("$${env:A}", "${env:A}"), ("$5", "$5"), ("a$${b}${env:A}", "a${b}1"),
        ("${env:NESTED}", "${env:A}"), ("${env:C:-a:-b}", "a:-b"), ("{${env:A}}", "{1}"), ("${env:A}}", "1}"),
        ("$$${env:A}", "$${env:A}"),
        // Defaults in defaults.
        ("${env:C:-${env:A}}", "1"), ("${env:A:-${env:B}}", "1"), ("${env:EMPTY:-${env:B}}", "2"),
        ("${env:C:-${env:D:-${env:B}}}", "2"),
        ("${env:C:-${env:D:-${env:E:-z}}}", "z"), ("${env:C:-x${env:A}y${env:B}z}", "x1y2z"),
        ("a${env:C:-b${env:D:-c}d}e", "abcde"),
        ("${env:C:-${env:D:-}}", ""), ("${env:C:-${env:NESTED}}", "${env:A}"), ("${env:C:-${env:A}}${env:D:-${env:B}}", "12"),
        ("${env:A:-${env:B}${env:C}}", "1"),
        // Braces of a default come in pairs.
        ("${env:C:-{}}", "{}"), ("${env:A:-{}}", "1"), ("${env:C:-{\"a\":{\"b\":1}}}", "{\"a\":{\"b\":1}}"),
        ("${env:A:-{x}}y", "1y"),
        ("${env:C:-{${env:A}}}", "{1}"), ("${env:C:-$${x}}", "${x}"), ("${env:A:-$${x}}", "1"), ("${env:C:-$${env:A}}", "${env:A}"),
        ("${env:C:-${env:D:-$${env:A}}}", "${env:A}"), ("${env:C:-$}", "$"), ("${env:C:-$$}", "$$"),
        // What a brace is made of counts, not what a character looks like.
        ("${env:C:-e\u{301}}", "e\u{301}"), ("${env:A}\u{301}", "1\u{301}"), ("${env:C:-x}\u{301}", "x\u{301}"),
    ])
    func substitution(_ text: String, _ expected: String) {
        let (scalar, substitution) = Self.substituted(text)
        #expect(scalar?.text == expected)
        #expect(substitution.findings.isEmpty)
    }

    @Test(arguments: [
        ("${env:C:-${env:D}}", "the environment variable 'D' is not set"), ("${env:A:-${env:D}", "'${' has no '}'"),
        ("${env:C:-${env:D:-x}", "'${' has no '}'"), ("${env:C:-{}", "'${' has no '}'"), ("${env:A:-$${}", "'${' has no '}'"),
        ("${env:${env:A}}", "a reference can't stand in the name of a variable or a file, only in a default"),
        ("${file:${env:A}}", "a reference can't stand in the name of a variable or a file, only in a default"),
        ("${env:A:-${enw:B}}", "'${enw:B}' stands for nothing"), ("${env:A", "'${' has no '}'"), ("${", "'${' has no '}'"),
        ("${file:x", "'${' has no '}'"), ("${}", "'${}' stands for nothing"), ("${env:NEW-${env:A}}", "only in a default"),
    ])
    func substitutionThatCantWork(_ text: String, _ message: String) {
        let (scalar, substitution) = Self.substituted(text)
        #expect(scalar?.isUnknown == true)
        #expect(substitution.findings.count == 1)
        #expect(substitution.findings.first?.message.contains(message) == true, "\(substitution.findings)")
    }

    @Test func defaultsInDefaultsHaveABound() {
        func nested(_ depth: Int) -> String {
            (0..<depth).map { "${env:V\($0):-" }.joined() + "x" + String(repeating: "}", count: depth)
        }
        let deepest = Self.substituted(nested(Substitution.depthLimit))
        #expect(deepest.scalar?.text == "x")
        for depth in [Substitution.depthLimit + 1, 30_000] {
            let (_, substitution) = Self.substituted(nested(depth))
            #expect(substitution.findings.map(\.message) == ["defaults stand in defaults more than 8 deep"])
        }
    }

    @Test func whatADefaultRefersTo() {
        let (scalar, substitution) = Self.substituted("${env:C:-${env:A:-${env:B}}}${env:A:-${file:/dev/null}}")
        // All of them are of use; those that were asked are shown.
        #expect(substitution.variables == ["A", "B", "C"])
        #expect(scalar?.references == ["${env:C}", "${env:A}", "${env:A}"])
        #expect(scalar?.isHidden == false, "a file that wasn't needed hides nothing")
        #expect(Self.substituted("${env:C:-${file:/dev/null}}").scalar?.isHidden == true)
    }

    private static func substituted(_ text: String) -> (scalar: ConfigurationNode.Scalar?, Substitution) {
        var substitution = Substitution(environment: ["A": "1", "B": "2", "EMPTY": "", "NESTED": "${env:A}"], directory: "")
        let node = ConfigurationNode(.scalar(.init(text)), origin: .file(.init(line: 1, column: 1)))
        guard case .scalar(let scalar) = substitution.apply(to: node).content else { return (nil, substitution) }
        return (scalar, substitution)
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
