import HTTPMessages
import Logging
import NIOCore
import Pipeline
import Rehearsal
import Testing

@testable import Filters

/// What stages say to exchanges, and that a stage which only observes changes nothing.
@Suite struct VerdictTests {
    /// Stages as they stand in a file, with the lines that they have there.
    static func rehearse(_ list: String) async throws -> Rehearsal {
        var registry = StageRegistry()
        for factory in [
            EgressFactory(), HeadersFactory(), RateLimitFactory(), CircuitBreakerFactory(), AuthFactory(), RetryFactory(),
            RespondFactory(),
        ] as [any StageFactory] {
            registry.register(factory)
        }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let stages = try ConfigurationLoader(registry: registry, environment: [:]).looseStages(in: list, file: "list.yaml").map {
            stage in
            let form = stage.forms.first { $0.input == .exchange } ?? StageForm(.exchange, .exchange)
            return Plan.NamedStage(name: stage.name, stage: try stage.make(form, StageContext(logger: logger, host: .server)))
        }
        return try await Rehearsal.begin(stages, logger: logger)
    }

    static func perform(
        _ rehearsal: Rehearsal, _ url: String = "http://a.test/", status: Int = 200,
        from client: RehearsedClient = RehearsedClient(),
        origin: SocketAddress? = nil
    ) async throws -> RehearsedOutcome {
        let head = RequestHead(method: "GET", scheme: .http, authority: String(url.dropFirst(7).dropLast()), path: "/")
        return try await rehearsal.perform(
            RehearsedRequest(head), from: client, origin: origin,
            script: { _, _ in
                RehearsedResponse(ResponseHead(status: status, body: .known(0)))
            })
    }

    private static func said(_ outcome: RehearsedOutcome) -> [String] {
        outcome.verdicts.map { "\($0.place.name) \($0.verdict.kind.rawValue)\($0.verdict.rule.map { " \($0)" } ?? "")" }
    }

    @Test func `Each stage in its order, and the lines that decide`() async throws {
        let rehearsal = try await Self.rehearse(
            """
            - headers: { request: { set: { X-A: "1" } } }
            - egress:
                rules:
                  - deny: { hosts: [b.test] }
                  - allow: { hosts: ["*"] }
            - rate-limit: { by: global, requests: 1/h }
            """)
        let first = try await Self.perform(rehearsal)
        #expect(Self.said(first) == ["headers changed", "egress passed list.yaml:5", "rate-limit passed", "origin answered"])
        #expect(first.verdicts.first?.verdict.note == "request: +X-A")
        let second = try await Self.perform(rehearsal, "http://b.test/")
        #expect(Self.said(second) == ["headers changed", "egress refused list.yaml:4"])
        let third = try await Self.perform(rehearsal)
        #expect(Self.said(third).last == "rate-limit refused")
        await rehearsal.end()
    }

    @Test func `A rule that waits for the address has its verdict when that is known`() async throws {
        let rehearsal = try await Self.rehearse(
            """
            - egress:
                rules:
                  - deny: { networks: [10.0.0.0/8] }
                otherwise: allow
            """)
        // Without a stage that dials behind it the rule is about literal addresses alone.
        let refused = try await Self.perform(rehearsal, "http://10.1.2.3/")
        #expect(Self.said(refused) == ["egress refused list.yaml:3"])
        #expect(Self.said(try await Self.perform(rehearsal)) == ["egress passed", "origin answered"])
        await rehearsal.end()
    }

    @Test func `Exchanges within others have one list`() async throws {
        let rehearsal = try await Self.rehearse(
            "- retry: { attempts: 2, delay: 1ms }\n- headers: { request: { set: { X-A: \"1\" } } }\n")
        let outcome = try await Self.perform(rehearsal, status: 503)
        #expect(
            Self.said(outcome) == [
                "retry passed", "headers changed", "origin answered", "headers changed", "origin answered",
            ])
        await rehearsal.end()
    }

    /// The differential: the same exchanges, with the stage that observes and without it.
    @Test(arguments: [
        "- egress: { mode: observe, rules: [{ deny: { hosts: [\"*\"] } }] }",
        "- egress: { mode: observe, rules: [{ deny: { networks: [127.0.0.0/8] } }], otherwise: allow }",
        "- rate-limit: { mode: observe, by: global, requests: 1/h, concurrent: 1, download: 1KiB/s, byte-burst: 1KiB }",
        "- circuit-breaker: { mode: observe, minimum: 1, rate: 0.01 }",
        "- auth: { mode: observe, methods: [{ api-key: { header: X-Api-Key, keys: [{ name: robot, key: a-key-that-is-long-enough }] } }] }",
    ])
    func `Observing changes no outcome`(_ stage: String) async throws {
        let with = try await Self.rehearse(stage)
        let without = try await Self.rehearse("- headers: { request: { remove: [X-None] } }")
        var observed = 0
        for index in 0..<40 {
            let url = index % 3 == 0 ? "http://127.0.0.1/" : "http://host\(index % 5).test/"
            let status = index % 4 == 0 ? 502 : 200
            let one = try await Self.perform(with, url, status: status)
            let other = try await Self.perform(without, url, status: status)
            #expect(one.response == other.response && one.failure == other.failure && one.reached == other.reached, "\(url)")
            if one.verdicts.contains(where: { $0.verdict.kind == .wouldRefuse }) { observed += 1 }
        }
        #expect(observed > 0, "it would have refused some")
        let counted = try await with.run { stand in
            stand.shard.map { shard in
                ["egress", "rate_limit", "circuit", "auth"].compactMap {
                    RehearsedMetrics(shard).sum("fluidity_\($0)_observed_total")
                }
                .reduce(0, +)
            } ?? 0
        }
        #expect(counted >= Double(observed), "they are counted apart")
        let refused = try await with.run { stand in
            stand.shard.map { shard in
                ["egress_denied", "rate_limit_refused", "circuit_refused", "auth_refused"]
                    .compactMap { RehearsedMetrics(shard).sum("fluidity_\($0)_total") }.reduce(0, +)
            } ?? 0
        }
        #expect(refused == 0)
        await with.end()
        await without.end()
    }
}
