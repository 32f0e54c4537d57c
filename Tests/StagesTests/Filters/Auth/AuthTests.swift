import Foundation
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import ConfigurationLanguage
@testable import Filters
@testable import HTTPMessages
@testable import Pipeline

@Suite struct AuthTests {
    private static let tokens = """
        auth:
              methods:
                - bearer: { tokens: [{ name: ci, key: 0123456789abcdef0123 }, { name: cd, key: fedcba98765432100000 }] }
                - api-key:
                    header: X-Api-Key
                    keys: [{ name: old, key: old-old-old-old-old }, { name: new, key: new-new-new-new-new }]
              realm: test
              failure-delay: 2s
        """

    private func request(_ fields: [(String, String)] = []) -> RequestHead {
        RequestHead(method: "GET", scheme: .http, authority: "example.com", path: "/", fields: HeaderFields(fields))
    }

    private func basic(_ user: String, _ password: String) -> String {
        "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }

    @Test func aTokenGivesAnIdentityAndGoesNoFurther() throws {
        let bench = try FilterBench(Self.tokens)
        bench.open(credentials: .proxyAuthorization("bearer  fedcba98765432100000"))
        let exchange = try #require(bench.sink.last?.exchange)
        #expect(exchange.identity == Identity(name: "cd", method: "bearer"))
        #expect(exchange.credentials == nil)
        #expect(bench.metric("fluidity_auth_accepted_total", where: ("method", "bearer")) == 1)
    }

    @Test(arguments: [("old-old-old-old-old", "old"), ("new-new-new-new-new", "new")])
    func everyKeyOfARotationCounts(_ key: String, _ name: String) throws {
        let bench = try FilterBench(Self.tokens)
        bench.open(request([("x-api-key", key), ("X-Other", "1")]))
        let exchange = try #require(bench.sink.last?.exchange)
        #expect(exchange.identity == Identity(name: name, method: "api-key"))
        #expect(exchange.request.fields.list.map(\.name) == ["X-Other"])
    }

    @Test func aProxyAsksWith407AndAnOriginWith401() throws {
        let bench = try FilterBench(Self.tokens)
        let proxied = bench.open(role: .proxy)
        #expect(proxied.status == 407)
        #expect(proxied.field("Proxy-Authenticate") == "Bearer realm=\"test\"")
        #expect(proxied.field("WWW-Authenticate") == nil)
        let direct = bench.open(role: .origin)
        #expect(direct.status == 401)
        #expect(direct.field("WWW-Authenticate") == "Bearer realm=\"test\"")
        let relayed = bench.open(role: .relay)
        #expect(relayed.status == 403)
        #expect(relayed.heads.last?.fields.list.map(\.name) == ["Proxy-Status", "Content-Type"])
        #expect(bench.metric("fluidity_auth_refused_total", where: ("reason", "missing")) == 3)
        #expect(bench.sink.passed.isEmpty)
    }

    @Test func authorizationIsAnOriginsAndNotAProxys() throws {
        let bench = try FilterBench(Self.tokens)
        let head = request([("Authorization", "Bearer 0123456789abcdef0123")])
        bench.open(head, role: .origin)
        #expect(bench.sink.last?.exchange.identity?.name == "ci")
        #expect(bench.sink.last?.exchange.request.fields.isEmpty == true)
        #expect(bench.open(head, role: .proxy).status == 407)
        #expect(bench.open(head, role: .relay).status == 403)
        // What is meant for the origin behind a proxy reaches it.
        bench.open(head, credentials: .proxyAuthorization("Bearer 0123456789abcdef0123"))
        #expect(bench.sink.last?.exchange.request.fields.first("authorization") == "Bearer 0123456789abcdef0123")
    }

    @Test(arguments: [
        "Bearer wrong", "Bearer ", "Bearer", "", "0123456789abcdef0123", "Basic 0123456789abcdef0123",
        "Bearer 0123456789abcdef0123 ", "Bearer 0123456789abcdef012", "Bearer 0123456789ABCDEF0123", "Bearer\t0123456789abcdef0123",
    ])
    func whatIsNotATokenIsRefused(_ value: String) throws {
        let bench = try FilterBench(Self.tokens)
        let source = bench.open(credentials: .proxyAuthorization(value))
        bench.loop.advanceTime(by: .seconds(2))
        #expect(source.status == 407)
        #expect(bench.sink.passed.isEmpty)
    }

    @Test func wrongCredentialsAreAnsweredLateAndAsMissingOnes() throws {
        let bench = try FilterBench(Self.tokens)
        let missing = bench.open()
        let wrong = bench.open(credentials: .proxyAuthorization("Bearer wrong"))
        #expect(missing.status == 407 && wrong.status == nil)
        #expect(bench.metric("fluidity_auth_held_back") == 1)
        bench.loop.advanceTime(by: .nanoseconds(1_999_999_999))
        #expect(wrong.status == nil)
        bench.loop.advanceTime(by: .nanoseconds(1))
        // All but the exchange's id, which is each one's own.
        func withoutID(_ text: String) -> String { text.replacing(/[0-9a-f]{16}/, with: "…") }
        let fields = [wrong, missing].map { $0.heads.map { $0.fields.list.map { "\($0.name): \(withoutID($0.value))" } } }
        #expect(wrong.heads.map(\.status) == missing.heads.map(\.status) && fields[0] == fields[1])
        #expect(withoutID(wrong.body) == withoutID(missing.body) && wrong.ended)
        #expect(bench.metric("fluidity_auth_held_back") == 0)
        #expect(bench.metric("fluidity_auth_refused_total", where: ("reason", "wrong")) == 1)
    }

    @Test func noMoreAnswersAreHeldBackThanMayBe() throws {
        let bench = try FilterBench(Self.tokens)
        func guess(from client: String, times: Int) -> [BenchSource] {
            (0..<times).map { _ in bench.open(from: client, credentials: .proxyAuthorization("Bearer wrong")) }
        }
        // One client has a share; another has one too, until all together have as many as there may be.
        var sources = guess(from: "192.0.2.1:1", times: 500) + guess(from: "192.0.2.1:2", times: 500)
        #expect(bench.metric("fluidity_auth_held_back") == 64)
        #expect(sources.filter { $0.status == nil }.count == 64)
        for number in 2...9 { sources += guess(from: "192.0.2.\(number):1", times: 100) }
        #expect(bench.metric("fluidity_auth_held_back") == 256)
        bench.loop.advanceTime(by: .seconds(2))
        #expect(sources.allSatisfy { $0.status == 407 })
        #expect(bench.metric("fluidity_auth_held_back") == 0)
        sources = guess(from: "192.0.2.1:1", times: 1)
        #expect(sources[0].status == nil)
    }

    // MARK: - Certificates

    private func peer(_ name: String, dns: [String] = []) -> PeerIdentity {
        PeerIdentity(subject: "CN=\(name)", commonName: name, dnsNames: dns, uris: [], publicKeyHash: name)
    }

    private func certificates(
        _ configuration: ClientCertificateConfiguration, and more: [any AuthMethod] = []
    ) throws -> FilterBench {
        let method = try ClientCertificateMethod(configuration)
        return try FilterBench(
            AuthStage(methods: [method] + more, failureDelay: .seconds(1), logger: Logger(label: "test")))
    }

    @Test func certificatesAreAllowedAndDeniedByPattern() throws {
        var configuration = ClientCertificateConfiguration()
        configuration.allow = try ["cn:a*", "dns:*.agents.example"].map { try CertificatePattern(configured: $0) }
        configuration.deny = [try CertificatePattern(configured: "cn:anton")]
        let bench = try certificates(configuration)
        #expect(bench.open(peer: peer("alice"), role: .relay).status == nil)
        #expect(bench.sink.last?.exchange.identity == Identity(name: "alice", method: "client-certificate"))
        #expect(bench.open(peer: peer("bob", dns: ["x.agents.example"]), role: .relay).status == nil)
        #expect(bench.open(peer: peer("bob"), role: .relay).status == 403)
        #expect(bench.open(role: .relay).status == 403)
        #expect(bench.open(peer: peer("anton"), role: .relay).status == 403)
        #expect(bench.metric("fluidity_auth_refused_total", where: ("reason", "denied")) == 1)
        // Nobody can do anything about a certificate when told to.
        #expect(bench.open(peer: peer("bob"), role: .proxy).status == 403)
    }

    @Test func aDenyFileIsReadAgain() async throws {
        let folder = try AuthFolder()
        var configuration = ClientCertificateConfiguration()
        configuration.denyFile = try folder.write("deny", "# nobody yet\n")
        let method = try ClientCertificateMethod(configuration)
        let evidence = AuthEvidence(
            peer: peer("alice"), fields: HeaderFields(), client: .certificate("alice"), clients: AuthClients())
        let loop = EmbeddedEventLoop()
        guard case .accepted = method.check(evidence, on: loop) else { throw Unexpected() }
        _ = try folder.write("deny", "cn:alice\n")
        #expect(await method.refresh().map(\.isProblem) == [false])
        guard case .denied = method.check(evidence, on: loop) else { throw Unexpected() }
        // Somebody who edits it badly opens nothing.
        _ = try folder.write("deny", "alice\n")
        #expect(await method.refresh().map(\.isProblem) == [true])
        guard case .denied = method.check(evidence, on: loop) else { throw Unexpected() }
    }

    private struct Unexpected: Error {}

    @Test func methodsAreTriedInOrderAndDenialIsFinal() throws {
        var configuration = ClientCertificateConfiguration()
        configuration.deny = [try CertificatePattern(configured: "cn:mallory")]
        var bearer = BearerConfiguration()
        var token = NamedKey()
        token.name = "ci"
        token.key = Secret("0123456789abcdef0123")
        bearer.tokens = [token]
        let bench = try certificates(configuration, and: [try BearerMethod(bearer, realm: "r")])
        let credentials = Credentials.proxyAuthorization("Bearer 0123456789abcdef0123")
        bench.open(peer: peer("alice"), credentials: credentials)
        #expect(bench.sink.last?.exchange.identity?.name == "alice")
        bench.open(credentials: credentials)
        #expect(bench.sink.last?.exchange.identity?.name == "ci")
        #expect(bench.open(peer: peer("mallory"), credentials: credentials).status == 403)
        #expect(bench.sink.passed.count == 2)
    }

    // MARK: - Passwords

    /// Waits for what threads do without an embedded loop's knowing: methods are checked on a real one.
    private func outcome(_ method: any AuthMethod, _ evidence: AuthEvidence, on loop: any EventLoop) async throws -> String {
        let evidence = Unchecked(evidence)
        return try await loop.flatSubmit { () -> EventLoopFuture<String> in
            switch method.check(evidence.value, on: loop) {
            case .pending(let future, _): future.map { "slowly \($0)" }
            case let outcome: loop.makeSucceededFuture("\(outcome)")
            }
        }.get()
    }

    // Unchecked: made for one use on another thread.
    private struct Unchecked<Value>: @unchecked Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private func users(_ folder: AuthFolder, _ entries: [(String, String)]) throws -> FilePath {
        var file = UsersFile()
        for (name, password) in entries {
            file.set(name, try PasswordHash(password: password, function: .scrypt(logCost: 10, blockSize: 8, parallelism: 1)))
        }
        return try folder.write("users", file.text)
    }

    /// - Parameter busy: The client has as much under way as it may.
    private func evidence(
        _ authorization: String? = nil, password: (String, String)? = nil, busy: Bool = false
    ) -> AuthEvidence {
        let clients = AuthClients()
        if busy { _ = clients.begin(Self.client, SlowWork.Shares(trusted: 1, suspect: 1), at: .now()) }
        return AuthEvidence(
            authorization: authorization, password: password.map { (user: $0.0, password: $0.1) }, fields: HeaderFields(),
            client: Self.client, clients: clients)
    }

    private static let client = ClientKey.certificate("somebody")

    @Test func passwordsAreVerifiedOnceAndRemembered() async throws {
        let folder = try AuthFolder()
        var configuration = BasicConfiguration()
        configuration.users = try users(folder, [("alice", "se:cret"), ("bob", "pässword")])
        let method = try BasicMethod(
            configuration, realm: "r", work: SlowWork(shares: SlowWork.Shares(trusted: 1, suspect: 1)))
        let loop = MultiThreadedLoop.shared
        let alice = evidence(basic("alice", "se:cret"))
        let accepted = "accepted(Pipeline.Identity(name: \"alice\", method: \"basic\"))"
        #expect(try await outcome(method, alice, on: loop) == "slowly \(accepted)")
        #expect(try await outcome(method, alice, on: loop) == accepted)
        // One that is known passes even when too much is wrong to look at others.
        #expect(try await outcome(method, evidence(basic("alice", "se:cret"), busy: true), on: loop) == accepted)
        #expect(try await outcome(method, evidence(basic("bob", "pässword"), busy: true), on: loop) == "unavailable")
        #expect(try await outcome(method, evidence(password: ("bob", "pässword")), on: loop).contains("\"bob\""))
        for wrong in [basic("alice", "secret"), basic("alice", ""), basic("nobody", "se:cret"), basic("Alice", "se:cret")] {
            #expect(try await outcome(method, evidence(wrong), on: loop) == "slowly wrong")
        }
        for malformed in ["Basic", "Basic !", "Basic " + Data("alice".utf8).base64EncodedString(), basic("", "x"), "Basic //79"] {
            let text = try await outcome(method, evidence(malformed), on: loop)
            #expect(text == "wrong" || text == "absent", "\(malformed): \(text)")
        }
        #expect(try await outcome(method, evidence("Bearer x"), on: loop) == "absent")
        // A new password counts at once, and the old one no longer, remembered or not.
        _ = try users(folder, [("alice", "changed")])
        #expect(await method.refresh().count == 1)
        #expect(try await outcome(method, alice, on: loop) == "slowly wrong")
        #expect(try await outcome(method, evidence(basic("alice", "changed")), on: loop) == "slowly \(accepted)")
    }
}
