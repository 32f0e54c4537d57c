import Addresses
import CommandLineInterface
import ConfigurationLanguage
import ControlStages
import Filters
import HTTPMessages
import Hosting
import Instruments
import Logging
import Pipeline
import Stages
import Testing
import TunnelStages

/// An agent, a server and an origin, put together in Swift alone: what a file can set, code can set, and it works.
@Suite struct ComposedTunnelTests {
    /// Answers with what it was told of the client, and enough text for compression to pay.
    private struct Mirror: StageFactory {
        struct Configuration: StageConfiguration {
            static let schema = Schema<Configuration>()
        }

        static let name = "mirror"
        static let summary = "Says who asks."
        static let forms = [StageForm(.exchange, .end)]

        func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage { Sink() }

        struct Sink: Stage {
            typealias Input = Exchange
            typealias Output = End
            func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort { Port() }
        }

        final class Port: ExchangePort {
            func open(_ exchange: Exchange) {
                let fields = exchange.request.fields
                let text = "user \(fields.first("X-User") ?? "?"), cookies \(fields.contains("Cookie"))\n"
                exchange.answer(LocalResponse(status: 200, body: text + String(repeating: "fluid ", count: 2_000)))
            }
        }
    }

    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let folder: TemporaryDirectory
    private var socket: String { "\(folder.path)/agent" }

    init() throws {
        folder = try TemporaryDirectory()
        let authority = try CertificateAuthority(name: "Test CA", days: 100)
        let certificates = CertificateDirectory(path: folder.path)
        try certificates.save(authority)
        for request in [
            CertificateRequest(name: "server", isServer: true, dnsNames: ["tunnel.example"]),
            CertificateRequest(name: "ann", isClient: true),
        ] {
            try certificates.save(authority.issue(request), as: request.name, replacing: false)
        }
    }

    private func file(_ name: String) -> PEMSource { .file(FilePath("\(folder.path)/\(name)")) }

    private func origin() throws -> EmbeddedPipeline {
        let plan = try Plan(host: .server, logger: logger) {
            Step.accept(.tcp(host: "127.0.0.1", port: 0))
            Step.http { $0.mode = .origin }
            Step<Exchange, End>(Mirror())
        }
        return EmbeddedPipeline(plan, logger: logger, eventLoops: 1, drain: .seconds(3_600))
    }

    private func server() throws -> EmbeddedPipeline {
        let plan = try Plan(host: .server, logger: logger) {
            Step.accept(.tcp(host: "127.0.0.1", port: 0)) { $0.idle = .seconds(600) }
            Step.mtlsServer(certificate: file("server.pem"), key: file("server-key.pem"), ca: file("ca.pem"))
            Step.frameServer { $0.maxStreams = 100 }
            Step.compress { $0.level = 6 }
            Step.auth(.clientCertificate(allow: ["cn:a*"], deny: ["cn:anton"]))
            Step.rateLimit(by: .identity) { $0.requests = Rate(4, per: .hour) }
            Step.headers(request: FieldChanges(remove: ["Cookie"], set: ["X-User": "{identity}"]))
            Step.egress(
                .deny(hosts: ["*.blocked.example"]),
                .deny(hosts: ["localhost"], networks: ["127.0.0.0/8", "::1"]),
                otherwise: .allow)
            Step.fetch { $0.destinations = .networks(["127.0.0.0/8", "::1"]) }
        }
        return EmbeddedPipeline(plan, logger: logger, eventLoops: 1, drain: .seconds(3_600))
    }

    private func agent(of server: HostPort, compresses: Bool = true) throws -> EmbeddedPipeline {
        let plan = try Plan(host: .agent, logger: logger) {
            Step.accept(.unix(path: socket))
            Step.http { $0.mode = .proxy }
            if compresses {
                Step.compress()
            }
            Step.frameClient()
            Step.mtlsClient(
                certificate: file("ann.pem"), key: file("ann-key.pem"), ca: file("ca.pem"), name: "tunnel.example")
            Step.connect(to: server) { $0.wait = .seconds(600) }
        }
        return EmbeddedPipeline(plan, logger: logger, eventLoops: 1, drain: .seconds(3_600))
    }

    private func get(_ url: String, host: String) async throws -> String {
        try await UnixClient.ask(
            socket, "GET \(url) HTTP/1.1\r\nHost: \(host)\r\nCookie: a=b\r\nConnection: close\r\n\r\n")
    }

    private func status(_ answer: String) -> Substring { answer.prefix { !$0.isNewline } }

    /// No limit can be what ends it, however little of the machine the test gets.
    @Test(.timeLimit(.minutes(10))) func trafficGoesThroughWhatWasComposed() async throws {
        let origin = try origin()
        try await origin.start()
        let place = try await origin.address()
        let server = try server()
        try await server.start()
        let agent = try agent(of: try await server.address())
        try await agent.start()

        let answer = try await get("http://\(place)/", host: "\(place)")
        #expect(status(answer) == "HTTP/1.1 200 OK")
        #expect(answer.contains("user ann, cookies false\n"), "\(answer.prefix(500))")
        #expect(answer.hasSuffix("fluid fluid "))
        let blocked = try await get("http://a.blocked.example/", host: "a.blocked.example")
        #expect(status(blocked) == "HTTP/1.1 403 Forbidden" && blocked.contains("egress rule 1 denies it"))
        // By the address that the name leads to, which only 'fetch' finds out: the rule knows that it is asked.
        let local = try await get("http://localhost:\(place.port)/", host: "localhost")
        #expect(status(local) == "HTTP/1.1 403 Forbidden" && local.contains("egress rule 2 denies it"))
        #expect(status(try await get("http://\(place)/", host: "\(place)")) == "HTTP/1.1 200 OK")
        let limited = try await get("http://\(place)/", host: "\(place)")
        #expect(status(limited) == "HTTP/1.1 429 Too Many Requests" && limited.contains("\r\nRetry-After: "))

        let counted = await server.telemetry.snapshot()
        #expect(counted.sum("fluidity_auth_accepted_total") == 5)
        #expect(counted.sum("fluidity_rate_limit_refused_total") == 1)
        #expect(counted.sum("fluidity_egress_denied_total") == 2)
        #expect(counted.sum("fluidity_compress_bodies_total") == 2)
        #expect(counted.sum("fluidity_compress_saved_bytes_total") > 20_000)
        #expect(await agent.stop())
        #expect(await server.stop())
        #expect(await origin.stop())
    }

    /// `if` in a list: a filter may be left out.
    @Test func aFilterThatIsLeftOut() throws {
        let with = try Plan(host: .server, logger: logger) {
            Step.accept(.unix(path: socket))
            Step.http()
            if !socket.isEmpty { Step.retry() }
            Step.fetch()
        }
        let without = try Plan(host: .server, logger: logger) {
            Step.accept(.unix(path: socket))
            Step.http()
            if socket.isEmpty { Step.retry() }
            Step.fetch()
        }
        #expect(with.stages.map(\.name) == ["accept", "http", "retry", "fetch"])
        #expect(without.stages.map(\.name) == ["accept", "http", "fetch"])
    }

    // MARK: - What is wrong

    /// What a file would be refused for is refused in code, at the same key.
    @Test(
        arguments: [
            (Step.auth(), "methods", "no methods"),
            (Step.auth(.basic(users: "")), "methods.basic.users", "the path of a file is missing"),
            (Step.auth(.clientCertificate(allow: ["ann"])), "methods.client-certificate.allow", "'ann' is not a pattern"),
            (Step.auth(.apiKey(header: "Connection")), "methods.api-key.header", "it belongs to one connection"),
            (Step.auth(.jwt(keysURL: "http://keys.example/", issuer: "i", audience: ["a"])), "methods.jwt.keys-url", "https"),
            (Step.egress(.deny(networks: ["10.0.0/8"])), "rules.deny.networks", "'10.0.0/8' is not a network"),
            (Step.egress(.allow(ports: [0])), "rules.allow.ports", "between 1 and 65535"),
            (Step.egress(.allow(hosts: [""])), "rules.allow.hosts", "between 1 and 512 bytes"),
            (Step.headers(request: FieldChanges(set: ["X": "{nobody}"])), "request.set", "'{nobody}' stands for nothing"),
            (Step.headers(response: FieldChanges(remove: ["a b"])), "response.remove", "'a b' is not a field's name"),
            (Step.rateLimit(by: .global) { $0.burst = 3 }, nil, "limits nothing"),
            (Step.rateLimit(by: .global) { $0.concurrent = 0 }, "concurrent", "between 1 and 1000000, not 0"),
            (Step.compress { $0.level = 10 }, "level", "between 1 and 9, not 10"),
            (Step.fault { $0.latency = .init() }, nil, ""),
            (
                Step.fault {
                    $0.abort = .init()
                    $0.abort?.status = 200
                }, "abort.status", "between 400 and 599, not 200"
            ),
            (Step.retry { $0.delay = .seconds(3) }, "delay", "longer than 'max-delay'"),
        ] as [(Filter, String?, String)])
    func aWrongFilter(_ filter: Filter, _ key: String?, _ message: String) throws {
        func plan() throws -> Plan {
            try Plan(host: .server, logger: logger) {
                Step.accept(.unix(path: "/nowhere"))
                Step.http()
                filter
                Step.fetch()
            }
        }
        guard !message.isEmpty else {
            #expect(throws: Never.self) { try plan() }
            return
        }
        let error = #expect(throws: StageError.self) { try plan() }
        #expect(error?.code == .configuration && error?.key == key, "\(String(describing: error))")
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
    }

    @Test func aStageAtTheWrongPlace() throws {
        let noCertificates = #expect(throws: StageError.self) {
            try Plan(host: .server, logger: logger) {
                Step.accept(.unix(path: "/nowhere"))
                Step.http()
                Step.auth(.clientCertificate())
                Step.fetch()
            }
        }
        #expect(noCertificates?.message.contains("no stage before 'auth' asks for certificates") == true)
        let noListening = #expect(throws: StageError.self) {
            try Plan(host: .lambda, logger: logger) {
                Step.accept(.unix(path: "/nowhere"))
                Step.http()
                Step.respond()
            }
        }
        #expect(noListening?.message == "'accept' can't run in the host 'lambda'")
        let noForm = #expect(throws: StageError.self) {
            try Plan(host: .server, logger: logger) {
                Step.accept(.unix(path: "/nowhere"))
                Step<Inbound, Exchange>(FetchFactory())
                Step.respond()
            }
        }
        #expect(noForm?.message == "'fetch' has no form that takes connections and yields exchanges")
    }

    /// Nothing of what the program has can't be had in code.
    @Test func everyStageHasAStep() throws {
        let first = try Plan(host: .server, logger: logger) {
            Step.accept(.unix(path: "/nowhere"))
            Step.tlsServer(certificate: file("server.pem"), key: file("server-key.pem"))
            Step.websocketServer(path: "/hidden") { $0.host = "www.example.org" }
            Step.enrol(
                certificate: file("server.pem"), key: file("server-key.pem"), ca: file("ca.pem"), caKey: file("ca-key.pem"),
                invitations: FolderPath("\(folder.path)/invitations"))
            Step.mtlsServer(certificate: file("server.pem"), key: file("server-key.pem"), ca: file("ca.pem"))
            Step.frameServer { $0.codecs = [.mux, .h2] }
            Step.accessLog(to: .file("\(folder.path)/log")) { $0.format = .combined }
            Step.auth(.clientCertificate(), .bearer(tokens: [NamedKey(name: "ann", key: Secret("0123456789abcdef"))]))
            Step.rateLimit(by: .host) { $0.download = ByteRate(.mebibytes(4), per: .second) }
            Step.egress(.allow(hosts: ["*"], ports: [443, PortRange(8000...8999)], methods: ["CONNECT"], identities: ["a*"]))
            Step.headers(forwardedFor: .append)
            Step.circuitBreaker { $0.rate = 0.9 }
            Step.retry { $0.attempts = 2 }
            Step.compress { $0.minimum = .kibibytes(4) }
            Step.fault {
                $0.hosts = ["*.test"]
                $0.latency = .init()
            }
            Step.metrics(cloudwatch: CloudWatchSettings(service: "x"))
            Step.fetch { $0.destinations = .any }
        }
        let second = try Plan(host: .agent, logger: logger) {
            Step.accept(.unix(path: "/nowhere"))
            Step.detect { $0.http.pac = PACConfiguration(direct: [.domain("corp.example"), .network("10.0.0.0/8")]) }
            Step.frameClient { $0.codec = .h2 }
            Step.mtlsClient(certificate: file("ann.pem"), key: file("ann-key.pem"), ca: file("ca.pem"))
            Step.websocketClient(path: "/hidden")
            Step.tlsClient(ca: file("ca.pem"))
            Step.connect(to: HostPort(host: "tunnel.example", port: 8443)) {
                $0.via = Via.proxy(host: "proxy.example", port: 3128, user: "u", password: Secret("p")).orElse(.direct)
            }
        }
        let third = try Plan(host: .server, logger: logger) {
            Step.accept(.unix(path: "/nowhere"))
            Step.socks { $0.authentication = .password }
            Step.respond(status: 404)
        }
        let fourth = try Plan(host: .server, logger: logger) {
            Step.accept(.unix(path: "/nowhere"))
            Step.http { $0.mode = .origin }
            Step.admin { $0.names = ["status.example"] }
        }
        let fifth = try Plan(host: .lambda, logger: logger) {
            Step.lambda { $0.margin = .seconds(1) }
            Step.ecsService(.status) {
                $0.cluster = "c"
                $0.service = "s"
            }
        }
        let sixth = try Plan(host: .server, logger: logger) {
            Step.entrances(
                Entrance("proxy") {
                    Step.accept(.unix(path: "/nowhere"))
                    Step.http()
                },
                Entrance("database") {
                    Step.accept(.unix(path: "/elsewhere"))
                    Step.forward(to: HostPort(host: "db.internal", port: 5432))
                })
            Step.route(
                RouteBranch("near", when: ExchangeConditions(hosts: ["*.near.example"])) {
                    Step.retry()
                    Step.fetch()
                },
                RouteBranch("rest") { Step.respond(status: 404) })
        }
        #expect(
            sixth.places.map(\.path) == [
                "1", "1.proxy.1", "1.proxy.2", "1.database.1", "1.database.2", "2", "2.near.1", "2.near.2", "2.rest.1",
            ])
        let names = [first, second, third, fourth, fifth, sixth].flatMap { $0.stages.map(\.name) }
        #expect(Set(names) == Set(StageRegistry.standard().names))
    }
}

extension EmbeddedPipeline {
    /// Where it listens, for one that lets the system choose its port.
    fileprivate func address() async throws -> HostPort {
        let details = await telemetry.statuses().first?.status.details ?? []
        return try HostPort(configured: details.first { $0.name == "address" }?.value ?? "")
    }
}
