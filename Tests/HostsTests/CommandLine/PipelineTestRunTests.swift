import ConfigurationLanguage
import HTTPMessages
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Stages
import Synchronization
import Testing

@testable import CommandLineInterface

/// `fluidity test`: what a pipeline's own tests find, and where.
@Suite struct PipelineTestRunTests {
    /// Answers requests for `/closed` itself, and adds a field to the others.
    private struct Doorman: StageFactory {
        struct Configuration: StageConfiguration {
            var greeting = "hello"
            static let schema = Schema<Configuration>(.optional("greeting", \.greeting, "What is added."))
        }

        static let name = "doorman"
        static let summary = "Opens the door."
        static let forms = [StageForm(.exchange, .exchange)]

        func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
            Filter(greeting: configuration.greeting)
        }

        struct Filter: FilterStage {
            let greeting: String
            func gate(for exchange: Exchange) -> Gate? { DoormanGate(greeting) }
        }

        final class DoormanGate: Gate {
            let greeting: String
            init(_ greeting: String) {
                self.greeting = greeting
                super.init(interests: [.requestHead])
            }
            override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
                if head.path == "/closed" {
                    return .refuse(LocalResponse(status: 403, body: "closed\n", failure: Failure(.forbidden, "the door is closed")))
                }
                head.fields.set("X-Greeting", greeting)
                exchange.identity = Identity(name: exchange.client.clientName, method: "door")
                return .forward
            }
        }
    }

    private struct Front: StageFactory {
        struct Configuration: StageConfiguration {
            static let schema = Schema<Configuration>()
        }
        static let name = "front"
        static let summary = "Lets exchanges in."
        static let forms = [StageForm(.start, .exchange)]
        func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
            SampleStage<Start, Exchange>()
        }
    }

    private struct Net: StageFactory {
        struct Configuration: StageConfiguration {
            static let schema = Schema<Configuration>()
        }
        static let name = "net"
        static let summary = "Reaches out."
        static let forms = [StageForm(.exchange, .end)]
        static let needs: HostNeeds = [.network]
        func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage {
            throw StageError(.unavailable, "the network was touched")
        }
    }

    private func run(_ tests: String) async throws -> [String] {
        var registry = StageRegistry()
        registry.register(Front())
        registry.register(Doorman())
        registry.register(Net())
        let text = "pipeline:\n  - front\n  - doorman: { greeting: good day }\n  - net\ntests:\n" + tests
        let loaded = try ConfigurationLoader(registry: registry, environment: [:]).load(text: text, file: "door.yaml", host: nil)
        var findings: [String] = []
        for index in loaded.tests.tests.indices {
            let run = PipelineTestRun(
                loaded, loaded.tests, index, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            findings += try await run.findings().map(\.description)
        }
        return findings
    }

    @Test func whatIsAsExpectedHasNoFindings() async throws {
        let tests = """
              - name: the door is open
                request: { url: "https://example.org/x?y", method: POST, body: data, client: { common-name: Ann } }
                origin: { status: 201, fields: { Server: big }, body: done }
                expect:
                  status: 201
                  fields: { Server: b*g, X-Other: ~ }
                  body: d*e
                  stage: origin
                  identity: Ann
                  origin:
                    requests: 1
                    method: POST
                    url: "https://example.org/x?y"
                    fields: { X-Greeting: good day }
                    body: data
              - name: the door is closed
                request: { url: "http://example.org/closed" }
                expect: { status: 403, stage: doorman, body: "closed*", origin: { requests: 0 } }
              - name: a tunnel
                request: { method: CONNECT, url: "example.org:443" }
                expect: { status: 200, origin: { url: "example.org:443", fields: { X-Greeting: "*" } } }
            """
        #expect(try await run(tests) == [])
    }

    @Test func whatIsNotAsExpectedIsNamedWhereItIsExpected() async throws {
        let tests = """
              - name: everything is wrong
                request: { url: "http://example.org/closed" }
                expect:
                  status: 200
                  fields: { X-A: b, Content-Type: ~ }
                  body: open
                  stage: origin
                  identity: Ann
                  origin:
                    requests: 1
                    fields: { X-Greeting: hello }
              - name: a wrong greeting
                expect: { origin: { fields: { X-Greeting: hello }, method: POST, url: "http://other/", body: x } }
              - name: no URL
                request: { url: example.org }
                expect: { status: 200 }
            """
        // An exchange's id is another in each run.
        let findings = try await run(tests).map { $0.replacing(#/exchange [0-9a-f]{16}/#, with: "exchange ID") }
        try Golden.expect(findings.joined(separator: "\n") + "\n", "tests.txt")
    }

    private func runStandard(_ text: String) async throws -> [String] {
        let loaded = try ConfigurationLoader(registry: .standard(), environment: [:]).load(text: text, file: "x.yaml", host: nil)
        var findings: [String] = []
        for index in loaded.tests.tests.indices {
            let run = PipelineTestRun(loaded, loaded.tests, index, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            findings += try await run.findings().map(\.description)
        }
        return findings
    }

    /// Rules on networks are decided by the address that the test gives, as `fetch` would by the one that it finds.
    @Test func rulesOnNetworksGoByTheOriginsAddress() async throws {
        let text = """
            pipeline:
              - accept: { listen: "127.0.0.1:0" }
              - http
              - egress: { rules: [{ deny: { networks: [10.0.0.0/8] } }], otherwise: allow }
              - fetch
            tests:
              - name: inside
                request: { url: "http://intra.example/" }
                origin: { address: 10.1.2.3 }
                expect: { status: 403, body: "*egress rule*denies it*", origin: { requests: 0 } }
              - name: outside
                request: { url: "http://intra.example/" }
                origin: { address: 192.0.2.7 }
                expect: { status: 200, origin: { requests: 1 } }
            """
        #expect(try await runStandard(text.replacing("*egress rule*", with: "*x.yaml:4*")) == [])
        #expect(try await runStandard(text.replacing("10.1.2.3", with: "11.1.2.3")).count > 0)
    }

    /// Neither keys nor the cloud are asked for anything, and what would be started isn't.
    @Test func theNetworkIsLeftAlone() async throws {
        let asked = Mutex(0)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                asked.withLock { $0 += 1 }
                return channel.close()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let text = """
            pipeline:
              - accept: { listen: "127.0.0.1:0" }
              - http: { mode: origin }
              - metrics: { cloudwatch: { service: x, region: eu-central-1 } }
              - auth: { methods: [{ jwt: { keys-url: "http://127.0.0.1:\(port)/", issuer: i, audience: [a] } }] }
              - ecs-service: { action: wake, cluster: c, service: s }
            tests:
              - name: nobody passes whose token can't be verified
                request: { method: POST, url: "http://example.com/wake", fields: { Authorization: Bearer x.y.z } }
                expect: { stage: auth, origin: { requests: 0 } }
            """
        #expect(try await runStandard(text) == [])
        let open = text.replacing(#/\n  - auth.*/#, with: "").replacing(
            "stage: auth, origin: { requests: 0 }", with: "stage: origin, status: 200")
        #expect(try await runStandard(open) == [])
        try await listener.close()
        #expect(asked.withLock { $0 } == 0)
    }

    @Test func testsAreCheckedLikeEverythingElse() async throws {
        let failure = await #expect(throws: ConfigurationErrors.self) {
            try await run("  - name: x\n    expct: { status: 200 }\n")
        }
        #expect(failure?.errors.map(\.line) == [6, 7])
    }

    @Test(arguments: [
        ("abc", "abc", true), ("abc", "ab", false), ("abc", "a*", true), ("abc", "*c", true), ("abc", "a*c", true),
        ("abc", "*", true), ("", "*", true), ("aa", "a*a", true), ("a", "a*a", false), ("a.b.c", "a*b*c", true),
        ("abcb", "*b", true), ("abc", "*b", false), ("xbyb", "x*b*b", true), ("xb", "x*b*b", false),
    ])
    func stars(_ text: String, _ pattern: String, _ matches: Bool) {
        #expect(PipelineTestRun.matches(text, pattern) == matches)
    }

    @Test(arguments: [("a.yaml", "a.tests.yaml"), ("x/b.yml", "x/b.tests.yml"), ("c", "c.tests.yaml")])
    func theFileBeside(_ file: String, _ beside: String) {
        #expect(TestCommand.fileBeside(file) == beside)
    }
}
