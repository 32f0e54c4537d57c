import ConfigurationLanguage
package import HTTPMessages
package import Logging
package import NIOCore
package import Pipeline
import Rehearsal
import TunnelStages

/// What would become of one exchange: it is carried through the stages of one configuration, or of an agent's and a server's, as they are, and
/// nothing is sent to anybody.
package struct Explanation: Sendable {
    /// What is asked about.
    package struct Question: Sendable {
        /// The request as its client sends it.
        package var request: RequestHead
        /// The client's address and port.
        package var remote = "192.0.2.1:50000"
        /// The common name of the client's certificate, at the end that asks for one; nil for a client without.
        package var clientName: String?
        /// Where the host's name leads; nil where that isn't known.
        package var address: SocketAddress?
        /// The time that it is taken to be, in seconds of the Unix epoch; nil for now.
        package var time: Int?

        /// A question about a request of a client without a certificate.
        package init(_ request: RequestHead) { self.request = request }
    }

    /// One end, and what its stages said.
    package struct End: Sendable {
        /// The end's configuration.
        package var configuration: LoadedConfiguration
        /// The request as it comes to this end.
        package var request: RequestHead
        /// The stages that the exchange came to, in order.
        package var steps: [StageVerdict]
        /// The branch that took it; nil where the list has none.
        package var route: String?
        /// Who it is from, as far as a stage has found out.
        package var identity: Identity?
        /// What the program that runs with the configuration says; nil where it wasn't asked.
        var live: LiveOutlook?
        /// Why that program can't be asked; nil where it was, and where nobody wanted it.
        var problem: String?

        /// The stage at which a step was.
        package func entry(_ step: StageVerdict) -> LoadedConfiguration.Entry? { configuration.entry(at: step.place.path) }

        /// A stage's line in its file: `server.yaml:12`.
        package func line(_ step: StageVerdict) -> String? {
            entry(step).flatMap(configuration.place)
        }

        /// The name of the stage, for what stands in the place of the network too.
        package func name(_ step: StageVerdict) -> String { entry(step)?.name ?? step.place.name }
    }

    /// The ends that the exchange came to, in order.
    package var ends: [End]
    /// What the client gets.
    package var response: ResponseHead?
    /// Its body, where a stage makes it.
    package var body: String
    /// Whether it would come to its origin, as far as that is known.
    package var reachesOrigin: Bool
    /// Why it doesn't, or why no answer comes; nil where all is well.
    package var failure: Failure?
    /// Whether the address that the host's name leads to would decide, and wasn't given.
    package var lacksAddress: Bool

    /// Carries the exchange through one end, or through an agent and then a server.
    package static func make(
        _ question: Question, through configurations: [LoadedConfiguration], logger: Logger
    ) async throws
        -> Explanation
    {
        guard let first = configurations.first else { throw ConfigurationErrors([]) }
        let rest = Array(configurations.dropFirst())
        var own = try await run(question, first, isLast: rest.isEmpty, logger: logger) { _ in nil }
        guard let next = rest.first, let request = own.outcome.reached.first?.head, carries(own.end, to: next) else {
            // It ends here after all, perhaps at a stage that dials by itself.
            if !rest.isEmpty { own = try await run(question, first, isLast: true, logger: logger) { _ in nil } }
            return Explanation(own.end, own.outcome, [], lacksAddress: own.lacksAddress)
        }
        var far = question
        far.request = request
        let other = try await make(far, through: [next], logger: logger)
        // Once more, with what the other end says.
        own = try await run(question, first, isLast: false, logger: logger) { _ in
            var response = RehearsedResponse(other.response ?? ResponseHead(status: 502))
            if !other.body.isEmpty { response.body = [ByteBuffer(string: other.body)] }
            return response
        }
        var explanation = Explanation(own.end, own.outcome, other.ends, lacksAddress: other.lacksAddress)
        explanation.reachesOrigin = other.reachesOrigin && !own.outcome.reached.isEmpty
        explanation.failure = explanation.failure ?? other.failure
        return explanation
    }

    private init(_ end: End, _ outcome: RehearsedOutcome, _ others: [End], lacksAddress: Bool) {
        ends = [end] + others
        response = outcome.response?.head
        body = outcome.response.map(\.body.text) ?? ""
        reachesOrigin = !outcome.reached.isEmpty && outcome.failure == nil
        failure = outcome.failure
        self.lacksAddress = lacksAddress
    }

    /// Whether the exchange leaves an end by the tunnel to the other, and not to an origin.
    private static func carries(_ end: End, to next: LoadedConfiguration) -> Bool {
        guard let last = end.steps.last, let entry = end.entry(last) else { return false }
        return entry.form.output == .outbound && next.stages.first?.form.output == .inbound
    }

    private static func run(
        _ question: Question, _ configuration: LoadedConfiguration, isLast: Bool, logger: Logger,
        _ script: @escaping @Sendable (RequestHead) -> RehearsedResponse?
    ) async throws -> (end: End, outcome: RehearsedOutcome, lacksAddress: Bool) {
        let stages = RehearsedStages(configuration, logger: logger)
        let rehearsal = try await stages.begin(at: question.time)
        let source = configuration.stages.first { $0.form.output == .exchange && $0.form.input != .exchange }
        var client = RehearsedClient(remote: question.remote)
        client.role = role(of: source)
        var head = question.request
        if source?.traits.contains(.takesCredentials) ?? true {
            client.credentials = head.fields.first("Proxy-Authorization").map { .proxyAuthorization($0) }
        }
        head.fields.removeAll { name, _ in HTTPGrammar.isHopField(name) }
        if let name = question.clientName, configuration.verifiesClients {
            client.certificate = PeerIdentity(
                subject: "CN=\(name)", commonName: name, dnsNames: [], uris: [], publicKeyHash: "explained")
        }
        let address = isLast ? question.address ?? literal(head) : nil
        let outcome: RehearsedOutcome
        do {
            outcome = try await rehearsal.perform(
                RehearsedRequest(head), from: client, origin: address, dialled: stages.dialled(),
                script: { _, request in script(request) ?? answer(to: request) })
        } catch {
            await rehearsal.end()
            throw error
        }
        await rehearsal.end()
        let end = End(
            configuration: configuration, request: question.request, steps: outcome.verdicts, route: outcome.route,
            identity: outcome.identity)
        let dials = end.steps.last.flatMap(end.entry)?.traits.contains(.checksAddresses) ?? false
        return (end, outcome, isLast && address == nil && dials && outcome.failure == nil)
    }

    /// What the origin is taken to answer.
    private static func answer(to request: RequestHead) -> RehearsedResponse {
        RehearsedResponse(
            ResponseHead(status: request.kind == .upgrade ? 101 : 200, body: request.kind == .plain ? .known(0) : .unknown))
    }

    private static func literal(_ request: RequestHead) -> SocketAddress? {
        let port = Authority(request.authority)?.port ?? request.scheme.defaultPort
        return try? SocketAddress(ipAddress: request.host, port: port)
    }

    private static func role(of source: LoadedConfiguration.Entry?) -> ClientRole {
        // What comes through a tunnel is asked for nothing.
        guard let source, source.name != FrameFactory.name else { return .relay }
        return (source.configuration as? HTTPConfiguration)?.mode == .origin ? .origin : .proxy
    }
}

extension LoadedConfiguration {
    /// Whether clients show certificates. What a list's other stages show of themselves is no client's.
    var verifiesClients: Bool {
        stages.prefix { $0.form.output != .exchange }.contains { $0.traits.contains(.verifiesPeers) }
    }
}
