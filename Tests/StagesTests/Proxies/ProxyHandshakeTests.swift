import ConfigurationLanguage
import NIOCore
import Platform
import Testing

@testable import TunnelStages

/// What a proxy is asked, for every thing that it and the security library may do.
@Suite struct ProxyHandshakeTests {
    private static let anna = "http://anna:secret@proxy.example:3128"
    private static let basic = "Basic YW5uYTpzZWNyZXQ="

    private func handshake(
        _ url: String = "http://proxy.example:3128", _ schemes: [ProxyScheme]? = nil, habit: ProxyHabit? = nil
    ) throws -> ProxyHandshake {
        ProxyHandshake(
            proxy: try ProxyAddress(url: url), server: HostPort(host: "server.example", port: 8443),
            access: ProxyAccess(schemes: schemes), habit: habit, clientNonce: { "c" })
    }

    /// The first request of a handshake that has begun.
    private func begun(_ url: String = "http://proxy.example:3128", _ schemes: [ProxyScheme]? = nil) throws -> ProxyHandshake {
        var handshake = try handshake(url, schemes)
        guard case .send = handshake.begin() else { throw Unexpected() }
        return handshake
    }

    private struct Unexpected: Error {}

    @Test func `The request`() throws {
        let plain =
            "CONNECT server.example:8443 HTTP/1.1\r\nHost: server.example:8443\r\nUser-Agent: fluidity/\(ProgramVersion.number)\r\n"
        var nobody = try handshake()
        #expect(nobody.begin() == .send(ByteBuffer(string: plain + "\r\n")))
        var anna = try handshake(Self.anna)
        #expect(anna.begin() == .send(ByteBuffer(string: plain + "\r\n")), "nothing is shown that wasn't asked for")
        var only = try handshake(Self.anna, [.basic])
        #expect(only.begin() == .send(ByteBuffer(string: plain + "Proxy-Authorization: \(Self.basic)\r\n\r\n")))
    }

    /// What comes behind a proxy's head belongs to the server, wherever the reads are split.
    @Test func `Split at every byte`() throws {
        let head = "HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 200 Connection established\r\nVia: 1.1 proxy\r\nContent-Length: 7\r\n\r\n"
        let all = Array((head + "hello").utf8)
        for split in 0...all.count {
            var handshake = try begun()
            var rest = ByteBuffer()
            var isOpen = false
            for part in [all[..<split], all[split...]] {
                var bytes = ByteBuffer(bytes: part)
                guard !isOpen else {
                    rest.writeBuffer(&bytes)
                    continue
                }
                if case .open(var first) = handshake.receive(bytes, time: 0) {
                    isOpen = true
                    rest.writeBuffer(&first)
                }
            }
            #expect(isOpen && String(buffer: rest) == "hello", "split at \(split)")
        }
    }

    // MARK: - Who one is

    enum Event: Sendable {
        /// There is a connection.
        case begins
        /// A head's status and fields, with a page of three bytes unless the fields say otherwise.
        case says(String)
        case bytes(String)
        case closes
        case timeUp
        case makes([UInt8])
        case cannot(String, isRefusal: Bool = false)
    }

    enum Answer: Sendable, Equatable {
        /// A request that shows this.
        case asks(String?)
        case token(ProxyScheme, [UInt8])
        case nothing, reconnects, opens
        case refused(ProxyRefusal.Kind, String)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var url = ProxyHandshakeTests.anna
        var schemes: [ProxyScheme]?
        var habit: ProxyHabit?
        var steps: [(Event, Answer)]
        /// What is remembered then.
        var learns: ProxyHabit?

        var testDescription: String { name }
    }

    private static let wantsBasic = "407 No\r\nProxy-Authenticate: Basic realm=\"x\""
    private static let wantsDigest = "407 No\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\""
    private static let stale = "407 No\r\nProxy-Authenticate: Digest realm=\"x\", nonce=\"m\", qop=\"auth\", stale=TRUE"
    private static let wantsTokens = "407 No\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM"
    private static let wantsAll =
        "407 No\r\nProxy-Authenticate: Basic realm=x\r\nProxy-Authenticate: Digest realm=x, nonce=n, qop=auth\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate"
    private static let refused = "refuses the user or the password (407)"
    private static let everything = ProxyScheme.allCases

    private static func digest(_ nonce: String, _ count: Int = 1) -> String {
        let challenge = AuthenticationSchemes(["Digest realm=\"x\", nonce=\"\(nonce)\", qop=\"auth\""]).challenges[0]
        guard let digest = DigestChallenge(challenge) else { return "none" }
        return DigestSession(challenge: digest, count: UInt32(count)).authorization(
            user: "anna", password: "secret", method: "CONNECT", target: "server.example:8443", clientNonce: "c")
    }

    private static func session(_ nonce: String, _ count: Int = 1) -> DigestSession? {
        DigestChallenge(AuthenticationSchemes(["Digest realm=\"x\", nonce=\"\(nonce)\", qop=\"auth\""]).challenges[0])
            .map { DigestSession(challenge: $0, count: UInt32(count)) }
    }

    private static var cases: [Case] {
        [
            Case(
                name: "Basic on the same connection",
                steps: [(.begins, .asks(nil)), (.says(wantsBasic), .asks(basic)), (.says("200 OK"), .opens)], learns: .basic),
            Case(
                name: "Basic is the habit", habit: .basic, steps: [(.begins, .asks(basic)), (.says("200 OK"), .opens)],
                learns: .basic),
            Case(
                name: "what is refused isn't shown again, by no other scheme either",
                steps: [
                    (.begins, .asks(nil)), (.says(wantsAll), .asks(digest("n"))),
                    (.says(wantsAll), .refused(.credentials, refused)),
                ]),
            Case(
                name: "Basic that is refused", habit: .basic,
                steps: [(.begins, .asks(basic)), (.says(wantsAll), .refused(.credentials, refused))]),
            Case(
                name: "Basic was the habit, and Digest is wanted now", habit: .basic,
                steps: [(.begins, .asks(basic)), (.says(wantsDigest), .asks(digest("n"))), (.says("200 OK"), .opens)],
                learns: session("n", 2).map { .digest($0) }),
            Case(
                name: "a nonce that is too old, in the proxy's words",
                steps: [
                    (.begins, .asks(nil)), (.says(wantsDigest), .asks(digest("n"))), (.says(stale), .asks(digest("m"))),
                    (.says("200 OK"), .opens),
                ], learns: session("m", 2).map { .digest($0) }),
            Case(
                name: "nonces that are too old for ever",
                steps: [
                    (.begins, .asks(nil)), (.says(wantsDigest), .asks(digest("n"))), (.says(stale), .asks(digest("m"))),
                    (.says(stale), .asks(digest("m"))), (.says(stale), .refused(.credentials, refused)),
                ]),
            Case(
                name: "a nonce that the proxy doesn't know any more", habit: session("o", 7).map { .digest($0) },
                steps: [
                    (.begins, .asks(digest("o", 7))), (.says(wantsDigest), .asks(digest("n"))),
                    (.says(wantsDigest), .refused(.credentials, refused)),
                ]),
            Case(
                name: "the nonce that the proxy wants next",
                steps: [
                    (.begins, .asks(nil)), (.says(wantsDigest), .asks(digest("n"))),
                    (.says("200 OK\r\nProxy-Authentication-Info: rspauth=\"0\", nextnonce=\"later\""), .opens),
                ], learns: session("later").map { .digest($0) }),
            Case(
                name: "a proxy that closes after its answer",
                steps: [
                    (.begins, .asks(nil)), (.says(wantsBasic + "\r\nConnection: close"), .reconnects), (.begins, .asks(basic)),
                    (.says("200 OK"), .opens),
                ], learns: .basic),
            Case(
                name: "one that closes without having said so",
                steps: [
                    (.begins, .asks(nil)), (.says(wantsBasic), .asks(basic)), (.closes, .reconnects), (.begins, .asks(basic)),
                    (.says("200 OK"), .opens),
                ], learns: .basic),
            Case(
                name: "HTTP/1.0 closes",
                steps: [
                    (.begins, .asks(nil)),
                    (.bytes("HTTP/1.0 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 3\r\n\r\n"), .reconnects),
                ]),
            Case(
                name: "unless it says that it doesn't",
                steps: [
                    (.begins, .asks(nil)),
                    (
                        .bytes(
                            "HTTP/1.0 407 No\r\nProxy-Connection: keep-alive\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 3\r\n\r\nno."
                        ), .asks(basic)
                    ),
                ]),
            Case(
                name: "a page until the connection's end",
                steps: [
                    (.begins, .asks(nil)), (.bytes("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\nno."), .reconnects),
                ]),
            Case(
                name: "a page that comes later",
                steps: [
                    (.begins, .asks(nil)),
                    (.bytes("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 9\r\n\r\nno."), .nothing),
                    (.bytes("not "), .nothing), (.bytes("no"), .asks(basic)),
                ]),
            Case(
                name: "a page that never comes",
                steps: [
                    (.begins, .asks(nil)),
                    (.bytes("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 9\r\n\r\nno."), .nothing),
                    (.timeUp, .reconnects), (.begins, .asks(basic)),
                ]),
            Case(
                name: "one that closes each time",
                steps: [(.begins, .asks(nil)), (.says(wantsBasic + "\r\nConnection: close"), .reconnects)]
                    + [
                        (.begins, .asks(basic)), (.says(wantsDigest + "\r\nConnection: close"), .reconnects),
                        (.begins, .asks(digest("n"))), (.says(stale + "\r\nConnection: close"), .reconnects),
                        (.begins, .asks(digest("m"))), (.says(stale + "\r\nConnection: close"), .reconnects),
                        (.begins, .refused(.passing(after: nil), "closes each connection on which it is shown who asks")),
                    ]),
            Case(
                name: "Negotiate in one leg", schemes: everything,
                steps: [
                    (.begins, .asks(nil)), (.says(wantsAll), .token(.negotiate, [])), (.makes([1, 2, 3]), .asks("Negotiate AQID")),
                    (.says("200 OK"), .opens),
                ], learns: .tokens(.negotiate)),
            Case(
                name: "and as the habit", schemes: everything, habit: .tokens(.negotiate),
                steps: [
                    (.begins, .token(.negotiate, [])), (.makes([1, 2, 3]), .asks("Negotiate AQID")), (.says("200 OK"), .opens),
                ],
                learns: .tokens(.negotiate)),
            Case(
                name: "no ticket, so the next one", schemes: everything,
                steps: [
                    (.begins, .asks(nil)), (.says(wantsAll), .token(.negotiate, [])),
                    (.cannot("there is no ticket"), .token(.ntlm, [])),
                    (.cannot("there is no NTLM"), .asks(digest("n"))),
                ]),
            Case(
                name: "and when there is no next one", schemes: everything,
                steps: [
                    (.begins, .asks(nil)), (.says(wantsTokens), .token(.negotiate, [])),
                    (.cannot("there is no ticket"), .token(.ntlm, [])),
                    (
                        .cannot("there is no NTLM"),
                        .refused(
                            .passing(after: nil), "wants Negotiate or NTLM (407), and there is no ticket, and there is no NTLM")
                    ),
                ]),
            Case(
                name: "a password that the KDC refuses", schemes: [.negotiate],
                steps: [
                    (.begins, .asks(nil)), (.says(wantsTokens), .token(.negotiate, [])),
                    (
                        .cannot("the KDC refuses it", isRefusal: true),
                        .refused(.credentials, "wants Negotiate (407), and the KDC refuses it")
                    ),
                ]),
            Case(
                name: "a habit that isn't possible any more", schemes: everything, habit: .tokens(.negotiate),
                steps: [
                    (.begins, .token(.negotiate, [])), (.cannot("there is no ticket"), .asks(nil)),
                    (.says(wantsBasic), .asks(basic)),
                ]),
            Case(
                name: "NTLM in three legs", schemes: [.ntlm],
                steps: [
                    (.begins, .asks(nil)), (.says(wantsTokens), .token(.ntlm, [])), (.makes([1]), .asks("NTLM AQ==")),
                    (.says("407 No\r\nProxy-Authenticate: NTLM Ag=="), .token(.ntlm, [2])), (.makes([3]), .asks("NTLM Aw==")),
                    (.says("200 OK"), .opens),
                ], learns: .tokens(.ntlm)),
            Case(
                name: "NTLM refused", schemes: everything,
                steps: [
                    (.begins, .asks(nil)), (.says("407 No\r\nProxy-Authenticate: NTLM, Basic realm=x"), .token(.ntlm, [])),
                    (.makes([1]), .asks("NTLM AQ==")),
                    (.says("407 No\r\nProxy-Authenticate: NTLM Ag=="), .token(.ntlm, [2])), (.makes([3]), .asks("NTLM Aw==")),
                    (
                        .says("407 No\r\nProxy-Authenticate: NTLM, Basic realm=x"),
                        .refused(.credentials, "refuses the user, the password or the domain (407)")
                    ),
                ]),
            Case(
                name: "NTLM on a connection that closes first", schemes: [.ntlm],
                steps: [
                    (.begins, .asks(nil)), (.says("407 No\r\nConnection: close\r\nProxy-Authenticate: NTLM"), .reconnects),
                    (.begins, .token(.ntlm, [])), (.makes([1]), .asks("NTLM AQ==")),
                ]),
            Case(
                name: "NTLM on one that closes in the middle", schemes: [.ntlm],
                steps: [
                    (.begins, .asks(nil)), (.says(wantsTokens), .token(.ntlm, [])), (.makes([1]), .asks("NTLM AQ==")),
                    (
                        .says("407 No\r\nConnection: close\r\nProxy-Authenticate: NTLM Ag=="),
                        .refused(
                            .passing(after: nil),
                            "closes the connection in the middle of NTLM, which can't come to an end on another one")
                    ),
                ]),
            Case(
                name: "a connection that ends while the library works", schemes: [.ntlm],
                steps: [
                    (.begins, .asks(nil)), (.says(wantsTokens), .token(.ntlm, [])), (.closes, .nothing), (.makes([1]), .reconnects),
                    (.begins, .asks("NTLM AQ==")),
                    (.says("407 No\r\nProxy-Authenticate: NTLM Ag=="), .token(.ntlm, [2])), (.closes, .nothing),
                    (
                        .makes([3]),
                        .refused(
                            .passing(after: nil),
                            "closes the connection in the middle of NTLM, which can't come to an end on another one")
                    ),
                ]),
            Case(
                name: "the library takes too long", schemes: [.negotiate],
                steps: [
                    (.begins, .asks(nil)), (.says(wantsTokens), .token(.negotiate, [])),
                    (.timeUp, .refused(.passing(after: nil), "waits for Negotiate, which took too long here")),
                    (.makes([1]), .nothing),
                ]),
            Case(
                name: "a ticket that the proxy doesn't take", schemes: [.negotiate],
                steps: [
                    (.begins, .asks(nil)), (.says(wantsTokens), .token(.negotiate, [])), (.makes([1]), .asks("Negotiate AQ==")),
                    (.says(wantsTokens), .refused(.credentials, "refuses what Negotiate shows of this user (407)")),
                ]),
            Case(
                name: "a proxy that says nothing",
                steps: [(.begins, .asks(nil)), (.timeUp, .refused(.passing(after: nil), "didn't answer in time"))]),
            Case(
                name: "one that closes at once",
                steps: [
                    (.begins, .asks(nil)), (.closes, .refused(.passing(after: nil), "closed the connection without an answer")),
                ]),
        ]
    }

    @Test(arguments: cases)
    func `Who one is`(_ test: Case) throws {
        var handshake = try handshake(test.url, test.schemes, habit: test.habit)
        for (index, (event, expected)) in test.steps.enumerated() {
            let action =
                switch event {
                case .begins: handshake.begin()
                case .says(let head):
                    handshake.receive(
                        ByteBuffer(
                            string: "HTTP/1.1 \(head)\r\n" + (head.hasPrefix("2") ? "\r\n" : "Content-Length: 3\r\n\r\nno.")),
                        time: 0)
                case .bytes(let text): handshake.receive(ByteBuffer(string: text), time: 0)
                case .closes: handshake.closed(time: 0)
                case .timeUp: handshake.timeUp(time: 0)
                case .makes(let bytes): handshake.made(.success(bytes), time: 0)
                case .cannot(let sentence, let isRefusal):
                    handshake.made(.failure(ProxyTokenProblem(sentence, isRefusal: isRefusal)), time: 0)
                }
            #expect(Self.answer(action) == expected, "event \(index + 1), \(event)")
        }
        if let habit = test.learns { #expect(handshake.habit == habit) }
    }

    private static func answer(_ action: ProxyHandshake.Action) -> Answer {
        switch action {
        case .nothing: .nothing
        case .send(let request):
            .asks(
                String(buffer: request).split(separator: "\r\n").first { $0.hasPrefix("Proxy-Authorization: ") }
                    .map { String($0.dropFirst(21)) })
        case .token(let scheme, let bytes): .token(scheme, bytes)
        case .reconnect: .reconnects
        case .open: .opens
        case .refused(let refusal):
            .refused(
                refusal.kind,
                refusal.reason.replacing("the proxy proxy.example:3128 ", with: "").replacing(" and says \"No: no.\"", with: ""))
        }
    }

    // MARK: - Refusals

    /// The status with its fields, whether there are credentials, and what comes of it.
    @Test(
        arguments: [
            ("407 No\r\nProxy-Authenticate: Basic realm=\"x\"", false, .credentials, "wants a user and a password (407)"),
            ("407 No", false, .credentials, "wants a user and a password (407)"),
            (
                "407 No\r\nProxy-Authenticate: NTLM", false, .scheme,
                "wants NTLM (407), and 'via-auth' allows only Digest and Basic; add 'ntlm' to it"
            ),
            (
                "407 No\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Negotiate", true, .scheme,
                "wants NTLM or Negotiate (407), and 'via-auth' allows only Digest and Basic; add 'negotiate' or 'ntlm' to it"
            ),
            (
                "401 No\r\nWWW-Authenticate: Digest nonce=1, realm=x, algorithm=SHA-512-256", true, .scheme,
                "wants Digest (401) with a hash that isn't known here: MD5 and SHA-256 are"
            ),
            ("407 No\r\nProxy-Authenticate: Bearer", true, .scheme, "wants Bearer (407), which isn't spoken here"),
            ("403 No", true, .server, "doesn't allow connections to server.example:8443 (403)"),
            ("404 No", false, .server, "answered 404"),
            ("405 No", false, .server, "makes no connections with CONNECT (405)"),
            ("418 No", false, .server, "answered 418"),
            ("408 No", false, .passing(after: nil), "wants to be asked later (408)"),
            ("429 No\r\nRetry-After: 17", false, .passing(after: .seconds(17)), "wants to be asked later (429)"),
            (
                "503 No\r\nRetry-After: Thu, 01 Jan 1970 00:16:50 GMT", false, .passing(after: .seconds(10)),
                "can't reach server.example:8443 (503)"
            ),
            (
                "503 No\r\nRetry-After: Thu, 01 Jan 1970 00:00:00 GMT", false, .passing(after: nil),
                "can't reach server.example:8443 (503)"
            ),
            ("503 No\r\nRetry-After: soon", false, .passing(after: nil), "can't reach server.example:8443 (503)"),
            ("501 No", false, .passing(after: nil), "makes no connections with CONNECT (501)"),
            ("302 No", false, .passing(after: nil), "answered 302"),
        ] as [(String, Bool, ProxyRefusal.Kind, String)])
    func `Refusals`(answer: String, hasPassword: Bool, kind: ProxyRefusal.Kind, words: String) throws {
        var handshake = try begun(hasPassword ? Self.anna : "http://proxy.example:3128")
        let bytes = ByteBuffer(string: "HTTP/1.1 \(answer)\r\nContent-Length: 0\r\n\r\n")
        #expect(
            handshake.receive(bytes, time: 1_000)
                == .refused(ProxyRefusal(kind, "the proxy proxy.example:3128 \(words) and says \"No\"")))
    }

    /// A page belongs to a refusal as far as it comes and is allowed to.
    @Test func `A page split at every byte, cut off, or without end`() throws {
        let answer = "HTTP/1.1 403 Policy\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"
        let all = Array((answer + "e\r\n<p>not allowed\r\n0\r\n\r\n").utf8)
        let expected = "the proxy proxy.example:3128 doesn't allow connections to server.example:8443 (403) and says \"Policy"
        for split in 0...all.count {
            var handshake = try begun()
            var action = handshake.receive(ByteBuffer(bytes: all[..<split]), time: 0)
            if action == .nothing { action = handshake.receive(ByteBuffer(bytes: all[split...]), time: 0) }
            #expect(action == .refused(ProxyRefusal(.server, expected + ": not allowed\"")), "split at \(split)")
            var ended = try begun()
            guard ended.receive(ByteBuffer(bytes: all[..<split]), time: 0) == .nothing else { continue }
            #expect(ended.isReadingPage == (split >= answer.utf8.count))
            guard case .refused(let refusal) = ended.closed(time: 0) else { throw Unexpected() }
            #expect(refusal.reason.hasPrefix(expected) == (split >= answer.utf8.count))
        }
        var endless = try begun()
        _ = endless.receive(ByteBuffer(string: "HTTP/1.1 403 Policy\r\nContent-Length: 1000000000\r\n\r\n"), time: 0)
        var pieces = 0
        var action = ProxyHandshake.Action.nothing
        while action == .nothing, pieces < 100 {
            action = endless.receive(ByteBuffer(repeating: 0x78, count: 1_000), time: 0)
            pieces += 1
        }
        #expect(pieces == 17)
        #expect(action == .refused(ProxyRefusal(.server, expected + ": \(String(repeating: "x", count: 200))…\"")))
    }

    /// What is passed over before the next request has a bound, too.
    @Test func `A page without end before the next request`() throws {
        var handshake = try begun(Self.anna)
        let head = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 1000000000\r\n\r\n"
        _ = handshake.receive(ByteBuffer(string: head), time: 0)
        var action = ProxyHandshake.Action.nothing
        var pieces = 0
        while action == .nothing, pieces < 1_000 {
            action = handshake.receive(ByteBuffer(repeating: 0x78, count: 1 << 10), time: 0)
            pieces += 1
        }
        #expect(action == .reconnect && pieces == 256)
    }

    @Test func `Nonsense`() throws {
        var nonsense = try begun()
        guard case .refused(let refusal) = nonsense.receive(ByteBuffer(string: "SSH-2.0-OpenSSH\r\n"), time: 0) else {
            Issue.record("nonsense was accepted")
            return
        }
        #expect(refusal.kind == .passing(after: nil))
        #expect(refusal.reason.hasPrefix("the proxy proxy.example:3128 sent no valid HTTP"))
    }
}
