import ConfigurationLanguage
import Pipeline
import Stages
import Testing

@testable import CommandLineInterface

@Suite struct MigrationTests {
    private func migrated(
        _ text: String, variables: [String: String] = [:], _ choose: (inout Migration.Choices) -> Void = { _ in }
    ) -> Migration {
        var choices = Migration.Choices()
        choose(&choices)
        return Migration(FormerSettings(text: text, file: "old.yaml", variables: variables), choices) { $0 }
    }

    @Test func `An agent's file becomes a pipeline`() throws {
        let migration = migrated(
            """
            server_ip: 203.0.113.7
            server_port: 9443
            local_proxy_port: 3128
            cert_file: c.pem
            key_file: k.pem
            ca_cert_file: ca.pem
            log_level: WARN
            max_connections: 50
            wake_endpoint: https://api.example/prod/wake
            kill_endpoint: https://api.example/prod/kill
            connection_timeout: 1m30s
            retry_interval: 5
            """, variables: ["API_KEY": "very secret"])
        #expect(migration.problems.map(\.description) == [])
        let body = migration.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
        #expect(
            body == """
                host: agent
                log: { level: warning }
                lifecycle:
                  wake-endpoint: "https://api.example/prod/wake"
                  kill-endpoint: "https://api.example/prod/kill"
                  api-key: "${env:API_KEY}"
                  connection-timeout: 90s
                  connection-retry-interval: 5s
                pipeline:
                  - accept: { listen: "127.0.0.1:3128", max-connections: 50 }
                  - http: { mode: proxy }
                  - frame: { codec: mux }
                  - mtls:
                      certificate: "c.pem"
                      key: "k.pem"
                      ca: "ca.pem"
                      name: fluidity-server
                  - connect: { to: "203.0.113.7:9443" }
                """)
        #expect(!migration.text.contains("very secret"))
        #expect(migration.notes.contains { $0.contains("on-stop: kill") })
    }

    @Test func `Variables count above the file`() {
        let migration = migrated(
            "server_ip: 203.0.113.7\nlocal_proxy_port: 1",
            variables: ["FLUIDITY_SERVER_IP": "198.51.100.9", "FLUIDITY_LOCAL_PROXY_PORT": "8888", "FLUIDITY_SERVER_PORT": ""])
        #expect(migration.text.contains("to: \"198.51.100.9:8443\""))
        #expect(migration.text.contains("listen: \"127.0.0.1:8888\""))
    }

    @Test func `A server also takes old agents`() {
        let migration = migrated("listen_addr: \"::\"\nlisten_port: 9000\nmax_connections: 20\nfoo: 1")
        #expect(migration.text.contains("accept: { listen: \"[::]:9000\", max-connections: 20 }"))
        #expect(migration.text.contains("codecs: [mux, h2, json]"))
        #expect(migration.notes.contains("'foo' is no key of the first Fluidity; it was left out"))
    }

    @Test func `What the command line says`() {
        let migration = migrated("local_proxy_port: 8080") {
            $0.serverIP = "2001:db8::1"
            $0.serverName = "tunnel.example"
            $0.speaksEnvelopes = true
        }
        #expect(migration.text.contains("to: \"[2001:db8::1]:8443\""))
        #expect(migration.text.contains("name: tunnel.example"))
        #expect(migration.text.contains("codec: json"))
    }

    @Test(
        "What can't be migrated says why, with its place",
        arguments: [
            ("server_ip: 1.2.3.4\nserver_port: many", "old.yaml:2:14: error: 'server_port' must be a whole number"),
            ("server_ip: 1.2.3.4\nlog_level: loud", "old.yaml:2:12: error: 'log_level' is no level"),
            ("server_ip: \"a b\"", "old.yaml:1:12: error: 'server_ip' is no host"),
            ("server_port: 1", "nothing says where the server is"),
            ("cert_file: a", "whether it is an agent's or a server's"),
            ("server_ip: 1.2.3.4\nlisten_port: 1", "the keys of an agent and of a server"),
            ("pipeline: []", "it is no configuration of the first Fluidity"),
            ("- a", "is a mapping of keys"),
            ("server_ip: [1]", "'server_ip' wants one value"),
            ("server_ip: 1.2.3.4\nwake_endpoint: example.com", "'wake_endpoint' is no URL"),
            ("server_ip: 1.2.3.4\nwake_endpoint: https://a.example/\nconnection_timeout: soon", "is no duration"),
            ("server_ip: {", "old.yaml:"), ("", "whether it is an agent's or a server's"),
        ])
    func refusals(_ text: String, _ words: String) {
        let migration = migrated(text)
        #expect(migration.problems.contains { $0.description.contains(words) }, "\(migration.problems)")
        #expect(migration.text.isEmpty)
    }

    @Test func `A key in a file isn't shown in errors`() {
        let migration = migrated("server_ip: 1.2.3.4\nlog_level: loud\napi_key: { a: open-sesame }")
        #expect(!migration.problems.map(\.description).joined().contains("open-sesame"))
        let kept = migrated("server_ip: 1.2.3.4\nwake_endpoint: https://a.example/\napi_key: \"a${b\"")
        #expect(kept.text.contains("api-key: \"a$${b\""))
    }

    @Test(
        "Go's durations",
        arguments: [
            ("90", 90_000), ("1m30s", 90_000), ("1.5s", 1_500), ("250ms", 250), ("2h", 7_200_000), ("0", 0), ("", nil),
            ("soon", nil),
            ("5x", nil), ("-5s", nil), ("9999999h", nil), ("1.2.3s", nil), ("s", nil),
        ] as [(String, Int?)])
    func durations(_ text: String, _ milliseconds: Int?) {
        #expect(GoDuration.read(text) == milliseconds.map { .milliseconds($0) })
    }
}
