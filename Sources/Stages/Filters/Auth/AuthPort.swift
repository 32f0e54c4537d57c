import HTTPMessages
import Instruments
import NIOCore
import Pipeline
import Platform

/// One loop's part of `auth`: what it counts, and which answers to wrong credentials it holds back.
final class AuthPort: ExchangePort {
    let methods: [any AuthMethod]
    /// The fields that only methods are to see, and whether they read `Authorization`.
    let headers: [String]
    let readsAuthorization: Bool
    let loop: any EventLoop
    let clients: AuthClients
    private let failureDelay: TimeAmount
    private let mode: RefusalMode
    private let downstream: any ExchangePort
    private let accepted: [Counter]
    private let challenged: Counter
    private let failed: Counter
    private let denied: Counter
    private let unavailable: Counter
    private let heldBack: Gauge

    init(
        methods: [any AuthMethod], clients: AuthClients, failureDelay: TimeAmount, mode: RefusalMode, downstream: any ExchangePort,
        shard: Shard
    ) {
        self.mode = mode
        self.methods = methods
        self.clients = clients
        headers = methods.compactMap(\.header)
        readsAuthorization = methods.contains(where: \.readsAuthorization)
        self.failureDelay = failureDelay
        self.downstream = downstream
        loop = shard.loop
        let labels = shard.assembling?.labels ?? []
        accepted = methods.map { method in
            shard.metrics.counter(
                AuthFactory.Metrics.accepted,
                labels + [.init("method", method.name)])
        }
        func refused(_ reason: String) -> Counter {
            shard.metrics.refusals(
                AuthFactory.Metrics.refused, observed: AuthFactory.Metrics.observed, labels + [.init("reason", reason)], mode)
        }
        challenged = refused("missing")
        failed = refused("wrong")
        denied = refused("denied")
        unavailable = refused("unavailable")
        heldBack = shard.metrics.gauge(AuthFactory.Metrics.heldBack, labels)
    }

    var offers: BodyCapabilities { downstream.offers }

    func open(_ exchange: Exchange) { exchange.pass(AuthGate(port: self, client: exchange.client), towards: downstream) }

    func accept(_ identity: Identity, by index: Int, _ exchange: Exchange, _ gate: Gate) -> GateDecision {
        accepted[index].add()
        exchange.identity = identity
        exchange.leave(Verdict(.passed, note: "'\(ForeignText.line(identity.name, limit: 100))' by \(identity.method)"), by: gate)
        return .forward
    }

    func deny(_ exchange: Exchange, _ gate: Gate) -> GateDecision {
        denied.add()
        return refusal(AuthRefusal.denied, exchange, gate, why: "denied")
    }

    func refuseForNow(_ exchange: Exchange, _ gate: Gate) -> GateDecision {
        unavailable.add()
        return refusal(AuthRefusal.unavailable, exchange, gate, why: "unavailable")
    }

    /// The answer, or what takes its place where the stage only observes.
    private func refusal(_ answer: LocalResponse, _ exchange: Exchange, _ gate: Gate, why: String) -> GateDecision {
        guard mode == .observe else {
            exchange.shard.telemetry.audit?.record(
                .authenticationFailed,
                [
                    .exchange: exchange.id.description, .client: exchange.clientName, .remote: exchange.client.remote,
                    .target: exchange.request.authority, .reason: why,
                ])
            return .refuse(answer)
        }
        exchange.leave(Verdict(.wouldRefuse, note: "\(answer.head.status), \(answer.failure?.message ?? "")"), by: gate)
        return .forward
    }

    /// Asks for credentials; the same answer whether there were none or wrong ones, and whatever was wrong with them.
    func refuse(_ exchange: Exchange, _ client: ClientKey, wasWrong: Bool, _ gate: Gate) -> GateDecision {
        let answer = refusal(
            AuthRefusal.challenge(role: exchange.role, methods.compactMap(\.challenge)), exchange, gate,
            why: wasWrong ? "wrong" : "missing")
        guard wasWrong else {
            challenged.add()
            return answer
        }
        failed.add()
        guard mode == .enforce else { return answer }
        guard clients.wasWrong(client, delay: failureDelay, at: loop.now) else { return answer }
        heldBack.add(1)
        let promise = loop.makePromise(of: GateDecision.self)
        let heldBack = NIOLoopBound(heldBack, eventLoop: loop)
        loop.scheduleTask(in: failureDelay) { [clients] in
            heldBack.value.add(-1)
            clients.release(client)
            promise.succeed(answer)
        }
        return .wait(promise.futureResult)
    }
}

enum AuthRefusal {
    static let denied = response(403, "you are not allowed here")
    static var unavailable: LocalResponse {
        var answer = response(503, "credentials can't be checked now; try again later")
        answer.head.fields.append("Retry-After", "2")
        return answer
    }

    static func challenge(role: ClientRole, _ challenges: [String]) -> LocalResponse {
        let (status, field) =
            switch role {
            case .proxy: (407, "Proxy-Authenticate")
            case .origin: (401, "WWW-Authenticate")
            case .relay: (403, "")
            }
        // 407 and 401 are for those who can do something about it (RFC 9110, 15.5).
        guard role != .relay, !challenges.isEmpty else { return response(403, "valid credentials are needed here") }
        var answer = response(status, "valid credentials are needed here")
        var said: Set<String> = []
        for challenge in challenges where said.insert(challenge).inserted { answer.head.fields.append(field, challenge) }
        return answer
    }

    private static func response(_ status: Int, _ sentence: String) -> LocalResponse {
        LocalResponse(status: status, body: sentence + "\n", failure: Failure(.forbidden, sentence))
    }
}

/// One exchange whose client is to prove who it is.
private final class AuthGate: Gate {
    private let port: AuthPort
    private var evidence: AuthEvidence
    private var wasWrong = false
    private var isUnavailable = false
    /// What is being verified.
    private var ticket: SlowWork.Ticket?

    init(port: AuthPort, client: Inbound) {
        self.port = port
        evidence = AuthEvidence(
            peer: client.identity, fields: HeaderFields(), client: client.clientKey, clients: port.clients)
        super.init(interests: [.requestHead, .end])
    }

    override func ended(_ exchange: Exchange) { ticket?.giveUp() }

    override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
        collect(&head, exchange)
        return decide(from: 0, exchange)
    }

    /// Takes what was said to this program alone out of the request, whatever comes of it: no origin gets to see it.
    private func collect(_ head: inout RequestHead, _ exchange: Exchange) {
        if !port.headers.isEmpty { evidence.fields = head.fields }
        switch exchange.credentials {
        case .proxyAuthorization(let value): evidence.authorization = value
        case .password(let user, let password): evidence.password = (user, password)
        case nil: break
        }
        exchange.credentials = nil
        if exchange.role == .origin, port.readsAuthorization {
            evidence.authorization = head.fields.first("Authorization")
            head.fields.remove("Authorization")
        }
        for header in port.headers { head.fields.remove(header) }
    }

    private func decide(from first: Int, _ exchange: Exchange) -> GateDecision {
        for index in first..<port.methods.count {
            let outcome = port.methods[index].check(evidence, on: port.loop)
            if case .pending(let future, let ticket) = outcome {
                self.ticket = ticket
                return wait(future, for: index, exchange)
            }
            if let decision = decision(outcome, of: index, exchange) { return decision }
        }
        if isUnavailable { return port.refuseForNow(exchange, self) }
        return port.refuse(exchange, evidence.client, wasWrong: wasWrong, self)
    }

    /// Nil when the next method is to be asked.
    private func decision(_ outcome: AuthOutcome, of index: Int, _ exchange: Exchange) -> GateDecision? {
        switch outcome {
        case .accepted(let identity): return port.accept(identity, by: index, exchange, self)
        case .denied: return port.deny(exchange, self)
        case .absent, .unmatched, .pending: return nil
        case .wrong:
            wasWrong = true
            return nil
        case .unavailable:
            isUnavailable = true
            return nil
        }
    }

    private func wait(_ future: EventLoopFuture<AuthOutcome>, for index: Int, _ exchange: Exchange) -> GateDecision {
        let promise = port.loop.makePromise(of: GateDecision.self)
        future.assumeIsolated().whenComplete { result in
            self.ticket = nil
            let outcome = (try? result.get()) ?? .unavailable
            promise.succeed(self.decision(outcome, of: index, exchange) ?? self.decide(from: index + 1, exchange))
        }
        return .wait(promise.futureResult)
    }
}
