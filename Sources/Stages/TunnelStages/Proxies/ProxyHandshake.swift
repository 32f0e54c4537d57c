package import ConfigurationLanguage
import HTTPMessages
package import NIOCore
import Platform

/// Asks an HTTP proxy for a connection to the server (RFC 9110, 9.3.6), in as many requests, and on as many connections, as it takes to say
/// who asks. A value without channel and clock: it gets what happened and returns what is to be done.
package struct ProxyHandshake: Sendable {
    /// What is to be done next.
    package enum Action: Sendable, Equatable {
        /// Nothing, until something more happens.
        case nothing
        /// The request is to be sent.
        case send(ByteBuffer)
        /// The security library is to be asked for the next piece, made from what the proxy has sent; empty for the first one.
        case token(ProxyScheme, from: [UInt8])
        /// This connection is of no more use: `begin` is to be called on another one.
        case reconnect
        /// From here the bytes are the server's, these first.
        case open(ByteBuffer)
        /// It has come to nothing.
        case refused(ProxyRefusal)
    }

    /// What a request shows of who asks.
    package enum Proof: Sendable, Equatable {
        /// Nothing.
        case nothing
        /// User and password (RFC 7617).
        case basic
        /// A hash of them (RFC 7616).
        ///
        /// - Parameter isFresh: Whether the nonce is one that was sent to this handshake.
        case digest(DigestSession, isFresh: Bool)
        /// A piece of Negotiate or NTLM.
        ///
        /// - Parameter leg: How many pieces went before.
        case token(ProxyScheme, leg: Int, [UInt8])
    }

    /// What has to come next before the next request.
    private enum Step: Equatable {
        case prove(Proof)
        case token(ProxyScheme, leg: Int, from: [UInt8])
    }

    private enum Phase {
        /// There is no connection yet, or none any more.
        case unconnected(Step)
        /// A request is out.
        case asking(ProxyAnswer)
        /// The proxy has refused for good; what it says to that is still on its way.
        case refusing(ProxyAnswer)
        /// The rest of an answer is passed over, so that the connection can be used again.
        case skipping(ProxyAnswer, Step)
        /// The security library is at work.
        case waiting(ProxyScheme, leg: Int, isConnected: Bool)
        case over
    }

    private static let connectionLimit = 4
    private static let requestLimit = 10
    /// Pieces of a handshake of several legs.
    private static let legLimit = 6

    let proxy: ProxyAddress
    let server: HostPort
    let access: ProxyAccess
    private let clientNonce: @Sendable () -> String
    private var phase: Phase
    /// What the request that is out shows, or the last one did.
    private(set) var proof = Proof.nothing
    /// What the proxy offered last.
    private(set) var offered = AuthenticationSchemes([])
    /// What can't be shown, for a reason that is on this side.
    private var impossible: [(scheme: ProxyScheme, problem: ProxyTokenProblem)] = []
    private var connections = 0
    private var requests = 0
    private var requestsOnConnection = 0
    private var staleAnswers = 0
    private var nextNonce: String?

    /// A handshake of which nothing is sent yet.
    ///
    /// - Parameters:
    ///   - habit: What the proxy took before.
    ///   - clientNonce: Makes the one of each Digest.
    package init(
        proxy: ProxyAddress, server: HostPort, access: ProxyAccess = .usual, habit: ProxyHabit? = nil,
        clientNonce: @escaping @Sendable () -> String = DigestSession.clientNonce
    ) {
        self.proxy = proxy
        self.server = server
        self.access = access
        self.clientNonce = clientNonce
        let hasPassword = proxy.credentials != nil
        let first: Step =
            switch habit {
            case .basic? where hasPassword && access.schemes.contains(.basic): .prove(.basic)
            case .digest(let session)? where hasPassword && access.schemes.contains(.digest):
                .prove(.digest(session, isFresh: false))
            case .tokens(let scheme)? where access.schemes.contains(scheme): .token(scheme, leg: 0, from: [])
            // There is nothing to choose from.
            case nil where hasPassword && access.schemes == [.basic]: .prove(.basic)
            default: .prove(.nothing)
            }
        phase = .unconnected(first)
    }

    /// What the proxy took, once it has opened the way.
    package var habit: ProxyHabit? {
        switch proof {
        case .nothing: nil
        case .basic: .basic
        case .digest(let session, _):
            if let nextNonce {
                .digest(DigestSession(challenge: session.challenge.renewed(nonce: nextNonce)))
            } else {
                .digest(
                    DigestSession(
                        challenge: session.challenge.renewed(nonce: session.challenge.nonce), count: session.count &+ 1))
            }
        case .token(let scheme, _, _): .tokens(scheme)
        }
    }

    /// What the proxy says to a refusal, or before the next request, is on its way: it isn't waited for long.
    package var isReadingPage: Bool {
        switch phase {
        case .refusing, .skipping: true
        case .unconnected, .asking, .waiting, .over: false
        }
    }

    // MARK: - What happens

    /// There is a connection.
    package mutating func begin() -> Action {
        guard case .unconnected(let step) = phase else { return .nothing }
        connections += 1
        requestsOnConnection = 0
        guard connections <= Self.connectionLimit else {
            return refuse(.passing(after: nil), "closes each connection on which it is shown who asks")
        }
        return perform(step, isConnected: true)
    }

    /// The proxy has sent something.
    ///
    /// - Parameter time: The time of day, in seconds of the Unix epoch.
    package mutating func receive(_ bytes: ByteBuffer, time: Int) -> Action {
        switch phase {
        case .asking(var answer):
            answer.append(bytes)
            return read(answer, time)
        case .refusing(var answer):
            answer.append(bytes)
            return readPage(answer, time)
        case .skipping(var answer, let step):
            answer.append(bytes)
            return skip(answer, step)
        case .waiting(let scheme, let leg, _):
            // Nobody has asked for anything.
            phase = .waiting(scheme, leg: leg, isConnected: false)
            return .nothing
        case .unconnected, .over: return .nothing
        }
    }

    /// The connection has ended.
    ///
    /// - Parameter reason: Why, for the end of a sentence that begins with the proxy.
    package mutating func closed(_ reason: String = "closed the connection without an answer", time: Int) -> Action {
        switch phase {
        case .asking(let answer):
            // It was to be used again, and the proxy had other plans.
            guard requestsOnConnection > 1, !answer.hasBegun else { return refuse(.passing(after: nil), reason) }
            guard let step = repeated else { return brokeOff() }
            phase = .unconnected(step)
            return .reconnect
        case .refusing(let answer): return finish(answer, time)
        case .skipping(_, let step): return reconnect(step)
        case .waiting(let scheme, let leg, _):
            phase = .waiting(scheme, leg: leg, isConnected: false)
            return .nothing
        case .unconnected, .over: return .nothing
        }
    }

    /// What the proxy says beside its answer isn't waited for any longer.
    package mutating func timeUp(time: Int) -> Action {
        switch phase {
        case .refusing(let answer): finish(answer, time)
        case .skipping(_, let step): reconnect(step)
        case .asking: refuse(.passing(after: nil), "didn't answer in time")
        case .waiting(let scheme, _, _): refuse(.passing(after: nil), "waits for \(scheme.name), which took too long here")
        case .unconnected, .over: .nothing
        }
    }

    /// The security library has made the next piece, or can't.
    package mutating func made(_ result: Result<[UInt8], ProxyTokenProblem>, time: Int) -> Action {
        guard case .waiting(let scheme, let leg, let isConnected) = phase else { return .nothing }
        switch result {
        case .success(let token):
            let step = Step.prove(.token(scheme, leg: leg, token))
            if isConnected { return perform(step, isConnected: true) }
            return leg == 0 ? reconnect(step) : brokeOff()
        case .failure(let problem):
            impossible.append((scheme, problem))
            // The habit of a proxy of which nothing is known today.
            if offered.challenges.isEmpty { return perform(.prove(.nothing), isConnected: isConnected) }
            // What the proxy has sent to this one is refused, so it is what the proxy thinks of it too.
            guard leg == 0 else { return refuse(.credentials, wantsImpossible) }
            guard let step = choose() else { return refuseImpossible() }
            return perform(step, isConnected: isConnected)
        }
    }

    // MARK: - Requests

    private mutating func perform(_ step: Step, isConnected: Bool) -> Action {
        switch step {
        case .token(let scheme, let leg, let bytes):
            phase = .waiting(scheme, leg: leg, isConnected: isConnected)
            return .token(scheme, from: bytes)
        case .prove(let proof):
            guard isConnected else { return reconnect(step) }
            requests += 1
            requestsOnConnection += 1
            guard requests <= Self.requestLimit else {
                return refuse(.passing(after: nil), "asks again and again who asks")
            }
            self.proof = proof
            phase = .asking(ProxyAnswer())
            return .send(request)
        }
    }

    private mutating func reconnect(_ step: Step) -> Action {
        if case .prove(.token(_, let leg, _)) = step, leg > 0 { return brokeOff() }
        if case .token(_, let leg, _) = step, leg > 0 { return brokeOff() }
        phase = .unconnected(step)
        return .reconnect
    }

    /// The request that was out, for another connection; nil in the middle of a handshake that belongs to its connection.
    private var repeated: Step? {
        switch proof {
        case .token(let scheme, 0, _): .token(scheme, leg: 0, from: [])
        case .token: nil
        case .digest(let session, let isFresh): .prove(.digest(session.used(), isFresh: isFresh))
        case .nothing, .basic: .prove(proof)
        }
    }

    /// The CONNECT request for the server, with `Proxy-Authorization` if something is shown.
    private var request: ByteBuffer {
        // Some proxies refuse a client that doesn't say what it is.
        var request = "CONNECT \(server) HTTP/1.1\r\nHost: \(server)\r\nUser-Agent: \(ProgramVersion.userAgent)\r\n"
        // Proxies of HTTP/1.0 close the connection unless they are asked not to.
        if case .token = proof { request += "Proxy-Connection: Keep-Alive\r\n" }
        if let authorization { request += "Proxy-Authorization: \(authorization)\r\n" }
        return ByteBuffer(string: request + "\r\n")
    }

    private var authorization: String? {
        switch proof {
        case .nothing: nil
        case .basic: proxy.credentials.map { "Basic \(Base64.encode($0.revealed))" }
        case .digest(let session, _):
            proxy.userAndPassword.map {
                session.authorization(
                    user: $0.user, password: $0.password, method: "CONNECT", target: "\(server)", clientNonce: clientNonce())
            }
        case .token(let scheme, _, let token): "\(scheme.name) \(Base64.encode(ByteBuffer(bytes: token)))"
        }
    }

    // MARK: - Answers

    private mutating func read(_ answer: ProxyAnswer, _ time: Int) -> Action {
        var answer = answer
        switch answer.next(skips: false) {
        case .more, .end:
            phase = .asking(answer)
            return .nothing
        case .open(let head, let rest):
            nextNonce = head.nextNonce
            phase = .over
            return .open(rest)
        case .nonsense(let reason): return refuse(.passing(after: nil), "sent no valid HTTP: \(reason)")
        case .refusal(let head):
            guard head.status == 407 || head.status == 401, let step = next(head) else { return readPage(answer, time) }
            guard head.keepsProxyConnection else { return reconnect(step) }
            return skip(answer, step)
        }
    }

    private mutating func readPage(_ answer: ProxyAnswer, _ time: Int) -> Action {
        var answer = answer
        switch answer.next(skips: false) {
        case .more, .refusal, .open:
            phase = .refusing(answer)
            return .nothing
        // What came before says enough.
        case .end, .nonsense: return finish(answer, time)
        }
    }

    private mutating func skip(_ answer: ProxyAnswer, _ step: Step) -> Action {
        var answer = answer
        switch answer.next(skips: true) {
        case .more, .refusal, .open:
            phase = .skipping(answer, step)
            return .nothing
        case .end: return answer.isCutOff ? reconnect(step) : perform(step, isConnected: true)
        case .nonsense: return reconnect(step)
        }
    }

    /// What to show to a proxy that wants something; nil if there is nothing, or nothing else.
    private mutating func next(_ head: HTTP1ResponseHead) -> Step? {
        offered = AuthenticationSchemes(
            head.proxyAuthenticate + (head.status == 401 ? head.fields["WWW-Authenticate"] : []))
        switch proof {
        case .nothing: return choose()
        // Shown where Basic was the habit, to a proxy that no longer takes it, and so hasn't looked at it.
        case .basic: return offered.challenges.isEmpty || offered.offers("Basic") ? nil : choose()
        case .digest(_, let isFresh):
            guard let challenge = DigestChallenge.strongest(of: offered.challenges(of: "Digest")) else { return nil }
            if challenge.isStale { staleAnswers += 1 }
            guard challenge.isStale ? staleAnswers <= 2 : !isFresh else { return nil }
            return .prove(.digest(DigestSession(challenge: challenge), isFresh: true))
        case .token(let scheme, let leg, _):
            guard leg + 1 < Self.legLimit, let token = offered.challenges(of: scheme.name).compactMap(\.token).first,
                let bytes = Base64.bytes(of: token), !bytes.isEmpty
            else { return nil }
            return .token(scheme, leg: leg + 1, from: bytes)
        }
    }

    /// The strongest of what is offered and can be shown. A proxy that offers nothing takes Basic, if anything.
    private func choose() -> Step? {
        let hasPassword = proxy.credentials != nil
        for scheme in ProxyScheme.allCases where access.schemes.contains(scheme) {
            guard !impossible.contains(where: { $0.scheme == scheme }) else { continue }
            let isOffered = offered.offers(scheme.name)
            switch scheme {
            case .negotiate, .ntlm:
                if isOffered { return .token(scheme, leg: 0, from: []) }
            case .digest:
                guard hasPassword, let challenge = DigestChallenge.strongest(of: offered.challenges(of: "Digest")) else { continue }
                return .prove(.digest(DigestSession(challenge: challenge), isFresh: true))
            case .basic:
                if hasPassword, isOffered || offered.challenges.isEmpty { return .prove(.basic) }
            }
        }
        return nil
    }

    // MARK: - Refusals

    private mutating func refuse(_ kind: ProxyRefusal.Kind, _ what: String) -> Action {
        phase = .over
        return .refused(ProxyRefusal(kind, "the proxy \(proxy.text) \(what)"))
    }

    /// The proxy has closed the connection in the middle of a handshake that belongs to it.
    private mutating func brokeOff() -> Action {
        var name = ""
        if case .token(let scheme, _, _) = proof { name = scheme.name }
        return refuse(
            .passing(after: nil), "closes the connection in the middle of \(name), which can't come to an end on another one")
    }

    private mutating func refuseImpossible() -> Action {
        let isLasting = impossible.contains { $0.problem.isRefusal }
        return refuse(isLasting ? .credentials : .passing(after: nil), wantsImpossible)
    }

    private var wantsImpossible: String {
        let names = impossible.map(\.scheme.name).joined(separator: " or ")
        var sentences: [String] = []
        for (_, problem) in impossible where !sentences.contains(problem.sentence) { sentences.append(problem.sentence) }
        return "wants \(names) (407), and \(sentences.joined(separator: ", and "))"
    }

    private mutating func finish(_ answer: ProxyAnswer, _ time: Int) -> Action {
        phase = .over
        guard let head = answer.head else { return refuse(.passing(after: nil), "closed the connection without an answer") }
        if proof == .nothing, !impossible.isEmpty, head.status == 407 || head.status == 401 { return refuseImpossible() }
        return .refused(refusal(head, answer.page, time))
    }
}
