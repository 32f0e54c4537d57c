public import Pipeline

public struct SignConfiguration: StageConfiguration {
    public var key = Secret("")
    public var field = "X-Signature"
    public var hosts: [String] = []

    public init() {}

    public static let schema = Schema<SignConfiguration>(
        .secret("key", \.key, required: true, "What the signature is made with; the origin has it too."),
        .optional("field", \.field, "The field that has the signature."),
        .optional("hosts", \.hosts, "The hosts whose requests are signed; every host, if none is named.")
    )

    public func validate() -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        if key.revealed.utf8.count < 16 {
            problems.append(ConfigurationProblem("the key has fewer than 16 bytes", key: "key"))
        }
        if !HeaderFields().accepts(field) {
            problems.append(ConfigurationProblem("'\(field)' can't be the name of a field", key: "field"))
        }
        return problems
    }
}

public struct SignFactory: StageFactory {
    public static let name = "sign"
    public static let summary = "Signs each request, so that its origin knows that it came through here."
    public static let forms = [StageForm(.exchange, .exchange)]
    public static let reference = StageReference(
        details: """
            Adds a field such as `X-Signature: t=1700000000, v1=5257a8…`: the time, and the HMAC-SHA256 of time, method, \
            authority and path, each on a line of its own. A signature that a client has sent is replaced.
            """,
        example: """
            - sign: { key: "${env:SIGNATURE_KEY:-an example of a key}", hosts: [api.example.com] }
            """,
        metrics: [SignStage.signed],
        notes: ["CONNECT hides what follows it, so what goes through it isn't signed."])

    public init() {}

    public func make(_ configuration: SignConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        SignStage(configuration: configuration)
    }
}

/// Passes every exchange on, those for its hosts with a signature.
struct SignStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange

    static let signed = MetricDescription(.counter, "fluidity_sign_requests_total", "Requests that were signed.")

    let configuration: SignConfiguration

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        SignPort(
            Signer(key: configuration.key), configuration, next: downstream,
            signed: shard.metrics.counter(Self.signed, shard.assembling?.labels ?? []))
    }
}

/// One event loop's part of the stage.
final class SignPort: ExchangePort {
    let signer: Signer
    let field: String
    let hosts: Set<String>
    let signed: Counter
    private let next: any ExchangePort

    init(_ signer: Signer, _ configuration: SignConfiguration, next: any ExchangePort, signed: Counter) {
        self.signer = signer
        field = configuration.field
        hosts = Set(configuration.hosts.map { $0.lowercased() })
        self.next = next
        self.signed = signed
    }

    func open(_ exchange: Exchange) {
        let isMine = hosts.isEmpty || hosts.contains(exchange.request.host.lowercased())
        guard isMine, exchange.request.kind != .tunnel else { return next.open(exchange) }
        exchange.pass(SignGate(self), towards: next)
    }
}

/// Signs one request.
final class SignGate: Gate {
    private let port: SignPort

    init(_ port: SignPort) {
        self.port = port
        super.init(interests: .requestHead)
    }

    override func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision {
        head.fields.set(port.field, port.signer.signature(of: head, at: Signer.now))
        port.signed.add()
        return .forward
    }
}

extension HeaderFields {
    fileprivate func accepts(_ name: String) -> Bool {
        var copy = self
        return copy.append(name, "")
    }
}
