import ConfigurationLanguage
import Foundation
import Pipeline
import Stages
import Testing

@testable import CommandLineInterface
@testable import TunnelStages

/// `fluidity check agent.yaml server.yaml`: each way in which two good files may not work together.
@Suite struct PairCheckTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        for (folder, name) in [("ours", "Our CA"), ("theirs", "Their CA")] {
            let path = "\(directory.path)/\(folder)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let certificates = CertificateDirectory(path: path)
            let authority = try CertificateAuthority(name: name, days: 100)
            try certificates.save(authority)
            for request in [
                CertificateRequest(name: "server", isServer: true, dnsNames: ["tunnel.example"]),
                CertificateRequest(name: "client", isClient: true),
            ] {
                try certificates.save(authority.issue(request), as: request.name, replacing: false)
            }
        }
    }

    private func load(_ text: String, _ file: String) throws -> LoadedConfiguration {
        try ConfigurationLoader(registry: .standard(), environment: [:])
            .load(text: text, file: "\(directory.path)/\(file)", host: nil)
    }

    private func tls(_ side: String, _ more: String = "", folder: String = "ours", ca: String = "ours") -> String {
        "- mtls: { certificate: \(folder)/\(side).pem, key: \(folder)/\(side)-key.pem, ca: \(ca)/ca.pem\(more) }"
    }

    /// `mtls` with what carries its connections, in the agent's order.
    private func carried(_ side: String, _ stages: String...) -> String {
        let list = [tls(side)] + stages
        return (side == "client" ? list : list.reversed()).joined(separator: "\n  ")
    }

    private func findings(
        top: String = "", accept: String = "listen: \"0.0.0.0:8443\"", frame: String = "{}", to: String = "tunnel.example:8443",
        agentTLS: String? = nil, serverTLS: String? = nil, agentFrame: String = "{}", agentFilter: String = "# none",
        serverFilter: String = "# none", describing: (ConfigurationError) -> String = Self.short
    ) throws -> [String] {
        let agent = """
            \(top)
            pipeline:
              - accept: { listen: "127.0.0.1:8080" }
              - http
              - frame: \(agentFrame)
              \(agentTLS ?? tls("client"))
              - connect: { to: "\(to)" }
            """
            .replacing("  - frame:", with: "  \(agentFilter)\n  - frame:", maxReplacements: agentFilter == "# none" ? 0 : 1)
        let server = """
            pipeline:
              - accept: { \(accept) }
              \(serverTLS ?? tls("server"))
              - frame: \(frame)
              - fetch
            """
            .replacing("  - fetch", with: "  \(serverFilter)\n  - fetch", maxReplacements: serverFilter == "# none" ? 0 : 1)
        let check = try #require(try PairCheck(agent: load(agent, "agent.yaml"), server: load(server, "server.yaml")))
        return check.findings.map { describing($0).replacing(directory.path + "/", with: "") }
    }

    /// An 'auth' of the server that takes a token, and whatever else is said.
    private func credentials(_ more: String = "") -> String {
        "- auth: { methods: [bearer: { tokens: [{ name: ci, key: 0123456789abcdef }] }\(more)] }"
    }

    private static func short(_ finding: ConfigurationError) -> String {
        "\(finding.file):\(finding.line ?? 0): \(finding.severity): \(finding.message)"
    }

    /// Every finding as the command line prints it, with its place and its hint.
    @Test func everyFinding() throws {
        let cases: [(String, [String])] = [
            ("another codec", try findings(agentFrame: "{ codec: h2 }", describing: \.description)),
            (
                "a codec that is not in the list",
                try findings(frame: "{ codecs: [mux, h2] }", agentFrame: "{ codec: json }", describing: \.description)
            ),
            (
                "a codec that is in the list",
                try findings(frame: "{ codecs: [mux, h2] }", agentFrame: "{ codec: h2 }", describing: \.description)
            ),
            ("only the agent compresses", try findings(agentFilter: "- compress", describing: \.description)),
            ("only the server compresses", try findings(serverFilter: "- compress: { level: 9 }", describing: \.description)),
            ("both compress", try findings(agentFilter: "- compress", serverFilter: "- compress", describing: \.description)),
            (
                "an agent that has no password",
                try findings(
                    frame: "{ codec: h2 }", agentFrame: "{ codec: h2 }", serverFilter: credentials(), describing: \.description)
            ),
            (
                "an agent that has a certificate in place of a password",
                try findings(
                    frame: "{ codec: h2 }", agentFrame: "{ codec: h2 }", serverFilter: credentials(", client-certificate: {}"),
                    describing: \.description)
            ),
            ("a name that the certificate has not", try findings(to: "other.example:8443", describing: \.description)),
            ("another port", try findings(to: "tunnel.example:443", describing: \.description)),
            ("loopback alone", try findings(accept: "listen: \"127.0.0.1:8443\"", describing: \.description)),
            ("an idle time below the ping", try findings(accept: "listen: \"0.0.0.0:8443\", idle: 5s", describing: \.description)),
            (
                "fewer connections than loops",
                try findings(
                    top: "event-loops: 4", accept: "listen: \"0.0.0.0:8443\", max-connections: 2", describing: \.description)
            ),
            ("a WebSocket on the agent alone", try findings(agentTLS: carried("client", "- websocket"), describing: \.description)),
            (
                "a WebSocket on the server alone",
                try findings(serverTLS: carried("server", "- websocket"), describing: \.description)
            ),
            (
                "WebSockets at two places",
                try findings(
                    agentTLS: carried("client", "- websocket: { path: /a }"),
                    serverTLS: carried("server", "- websocket: { path: /b }"), describing: \.description)
            ),
            (
                "WebSockets of two hosts",
                try findings(
                    agentTLS: carried("client", "- websocket"),
                    serverTLS: carried("server", "- websocket: { host: www.example }"), describing: \.description)
            ),
            (
                "WebSockets of one host",
                try findings(
                    agentTLS: carried("client", "- websocket: { host: \"WWW.example:8443\" }"),
                    serverTLS: carried("server", "- websocket: { host: www.example }"), describing: \.description)
            ),
            (
                "a WebSocket around and within",
                try findings(
                    agentTLS: carried("client", "- websocket"),
                    serverTLS: carried("server", "- websocket").split(separator: "\n").reversed().map {
                        $0.trimmingCharacters(in: .whitespaces)
                    }.joined(separator: "\n  "), describing: \.description)
            ),
            (
                "a reverse proxy between",
                try findings(
                    to: "tunnel.example:443", agentTLS: carried("client", "- websocket", "- tls"),
                    serverTLS: carried("server", "- websocket"), describing: \.description)
            ),
            (
                "ordinary TLS on the server alone",
                try findings(
                    agentTLS: carried("client", "- websocket"),
                    serverTLS: carried(
                        "server", "- websocket", "- tls: { certificate: ours/server.pem, key: ours/server-key.pem }"),
                    describing: \.description)
            ),
            ("fewer streams than clients", try findings(frame: "{ max-streams: 100 }", describing: \.description)),
            (
                "a window beyond the memory",
                try findings(frame: "{ session-memory: 1MiB }", agentFrame: "{ stream-window: 1MiB }", describing: \.description)
            ),
        ]
        let text = cases.map { name, findings in "== \(name)\n" + findings.map { $0 + "\n" }.joined() }.joined(separator: "\n")
        try Golden.expect(text, "pair.txt")
    }

    @Test func whatFitsHasNoFindings() throws {
        #expect(try findings() == [])
        #expect(try findings(to: "127.0.0.1:8443", agentTLS: tls("client", ", name: tunnel.example")) == [])
    }

    @Test func thePairIsFoundInEitherOrderAndOthersAreNone() throws {
        let proxy = try load("pipeline: [accept: { listen: \"127.0.0.1:1\" }, http, fetch]", "proxy.yaml")
        #expect(PairCheck(agent: proxy, server: proxy) == nil)
    }

    @Test func aNameThatTheCertificateHasNot() throws {
        #expect(
            try findings(to: "other.example:8443") == [
                "agent.yaml:6: error: the agent wants a server named other.example, but the server's certificate is for tunnel.example"
            ])
        // An address has no name, which the agent's file alone tells.
        let error = #expect(throws: ConfigurationErrors.self) { try findings(to: "127.0.0.1:8443") }
        #expect(
            error?.errors.map(\.message) == [
                "'connect' dials an address, 127.0.0.1, so 'name' must say which name the server's certificate has"
            ])
    }

    @Test func authoritiesThatDontVerifyTheOtherSide() throws {
        let found = try findings(agentTLS: tls("client", folder: "theirs", ca: "theirs"))
        #expect(found.count == 2)
        #expect(found[0].hasPrefix("agent.yaml:6: error: the agent's 'ca' doesn't verify the server's certificate: "))
        #expect(found[0].contains("ours/server.pem was not issued by the certificate authority in theirs/ca.pem"))
        #expect(found[1].hasPrefix("server.yaml:3: error: the server's 'ca' doesn't verify the agent's certificate: "))
    }

    @Test func oneSideWithoutTLS() throws {
        #expect(
            try findings(agentTLS: "# none") == [
                "server.yaml:3: error: the server wants TLS, but the agent has no 'mtls' before 'connect'"
            ])
        #expect(
            try findings(serverTLS: "# none") == [
                "agent.yaml:6: error: the agent speaks TLS, but the server has no 'mtls' before 'frame'"
            ])
    }

    @Test func portsAndAddresses() throws {
        #expect(
            try findings(accept: "listen: \"0.0.0.0:9443\"").map { $0.prefix(23) } == ["agent.yaml:7: warning: "])
        #expect(try findings(accept: "listen: \"127.0.0.1:8443\"").map { $0.prefix(24) } == ["server.yaml:2: warning: "])
        // A name that only looks like an address of this machine, and other ways to write one.
        let tls = tls("client", ", name: tunnel.example")
        for (to, isWarned) in [
            ("127.tunnel.example", true), ("[::ffff:127.0.0.1]", false), ("LocalHost", false), ("0.0.0.0", false),
        ] {
            let found = try findings(accept: "listen: \"[::1]:8443\"", to: "\(to):8443", agentTLS: tls)
            #expect(found.count == (isWarned ? 1 : 0), "\(to): \(found)")
        }
        #expect(try findings(accept: "listen: \"[::ffff:0.0.0.0]:8443\"") == [])
        #expect(try findings(accept: "listen: \"unix:/tmp/x\"").map { $0.prefix(24) } == ["server.yaml:2: warning: "])
    }

    @Test func limits() throws {
        #expect(
            try findings(accept: "listen: \"0.0.0.0:8443\", idle: 5s") == [
                "server.yaml:2: error: an idle tunnel is closed after 5s, before 'frame' in agent.yaml asks after 10s whether it is in use"
            ])
        #expect(
            try findings(top: "event-loops: 4", accept: "listen: \"0.0.0.0:8443\", max-connections: 2") == [
                "server.yaml:2: error: the server takes 2 connections, but the agent keeps one for each of its 4 event loops"
            ])
        #expect(
            try findings(frame: "{ max-streams: 100 }") == [
                "server.yaml:4: warning: the agent takes 10000 connections, but the server only 100 exchanges at once in each session"
            ])
    }
}
