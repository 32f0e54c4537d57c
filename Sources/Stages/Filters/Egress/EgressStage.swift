public import ConfigurationLanguage
import HTTPMessages
import Instruments
import NIOCore
public import Pipeline
import Platform

/// What `egress` can be told.
public struct EgressConfiguration: StageConfiguration {
    /// The rules, of which the first that fits decides, each with its place in the file.
    public var rules: [Positioned<EgressRule>] = []
    /// What becomes of an exchange that no rule fits.
    public var otherwise = EgressVerdict.deny

    public init() {}

    public static let schema = Schema<EgressConfiguration>(
        .required(
            "rules", \.rules,
            "The rules, the first that fits decides: '- allow: { hosts: [\"*.example.com\"], ports: [443] }', '- deny: { networks: [10.0.0.0/8] }'. All conditions of a rule must hold, and of each any entry."
        ),
        .optional("otherwise", \.otherwise, "What becomes of an exchange that no rule fits.")
    )
}

/// What becomes of an exchange that no rule is about.
public enum EgressVerdict: String, Sendable, CaseIterable, ConfigurationChoice {
    /// The exchange goes on.
    case allow
    /// The exchange is answered with 403.
    case deny
}

/// Makes the stage `egress`, and says what it is.
public struct EgressFactory: StageFactory {
    public static let name = "egress"
    public static let summary =
        "Decides by rules where exchanges may go: by host, port, method, identity and the address that is dialled."
    public static let forms = [StageForm(.exchange, .exchange)]

    public init() {}

    public func problems(_ configuration: EgressConfiguration, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        for (index, rule) in configuration.rules.enumerated() {
            let conditions = rule.value.conditions
            let path = "rules.rules[\(index + 1)].\(rule.value.verdict.rawValue)"
            if !conditions.networks.isEmpty, !surroundings.isBefore(.checksAddresses) {
                let isElsewhere = surroundings.mayBeBefore(.checksAddresses)
                problems.append(
                    .warning(
                        isElsewhere
                            ? "'networks' decides only for hosts that are written as addresses where a branch behind 'egress' resolves no names"
                            : "'networks' decides only for hosts that are written as addresses here: no stage after 'egress' resolves names",
                        key: "\(path).networks",
                        hint: isElsewhere ? "put the rule into the branches" : "put the rule where 'fetch' is, on the server"))
            }
            problems += conditions.identityProblems(key: "\(path).identities", stage: Self.name, among: surroundings)
        }
        return problems
    }

    public func make(_ configuration: EgressConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        EgressStage(
            rules: EgressRules(
                rules: configuration.rules, otherwise: configuration.otherwise,
                seesAddresses: context.surroundings.mayBeBefore(.checksAddresses)))
    }
}

struct EgressStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    let rules: EgressRules

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        EgressPort(rules: rules, downstream: downstream, shard: shard)
    }
}

/// Decides for each exchange as it comes. There is nothing to see in it later, so there is no gate.
private final class EgressPort: ExchangePort {
    private let rules: EgressRules
    private let downstream: any ExchangePort
    private let denied: Counter
    private let clock = LocalClock()

    init(rules: EgressRules, downstream: any ExchangePort, shard: Shard) {
        self.rules = rules
        self.downstream = downstream
        denied = shard.metrics.counter(EgressFactory.Metrics.denied, shard.assembling?.labels ?? [])
    }

    var offers: BodyCapabilities { downstream.offers }

    func open(_ exchange: Exchange) {
        switch rules.decide(ExchangeSubject(exchange, time: rules.needsTime ? clock.now() : nil)) {
        case .allow:
            downstream.open(exchange)
        case .deny(let reason):
            denied.add()
            exchange.answer(Failure(.forbidden, reason.sentence).response(for: exchange.request))
        case .byAddress(let question):
            exchange.addressChecks.append(EgressAddressCheck(question: question, denied: denied))
            downstream.open(exchange)
        }
    }
}

/// What is left to decide when the address is known. Counts an exchange that finds no address once.
private final class EgressAddressCheck: AddressCheck {
    private let question: EgressQuestion
    private let denied: Counter
    private var isCounted = false

    init(question: EgressQuestion, denied: Counter) {
        self.question = question
        self.denied = denied
    }

    func refusal(of address: SocketAddress) -> Failure? {
        guard let reason = question.refusal(of: address) else { return nil }
        if !isCounted { denied.add() }
        isCounted = true
        return Failure(.forbidden, reason.sentence)
    }
}
