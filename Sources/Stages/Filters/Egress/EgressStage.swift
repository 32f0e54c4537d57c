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
    /// Whether what is denied is refused.
    public var mode = RefusalMode.enforce

    public init() {}

    public static let schema = Schema<EgressConfiguration>(
        .required(
            "rules", \.rules,
            "The rules, the first that fits decides: '- allow: { hosts: [\"*.example.com\"], ports: [443] }', '- deny: { networks: [10.0.0.0/8] }'. All conditions of a rule must hold, and of each any entry."
        ),
        .optional("otherwise", \.otherwise, "What becomes of an exchange that no rule fits."),
        .optional(
            "mode", \.mode,
            "'enforce' refuses, 'observe' only counts what it would refuse and lets it pass, to see what a rule does before it counts."
        )
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
                seesAddresses: context.surroundings.mayBeBefore(.checksAddresses)),
            mode: configuration.mode)
    }
}

struct EgressStage: Stage {
    typealias Input = Exchange
    typealias Output = Exchange
    let rules: EgressRules
    let mode: RefusalMode

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws -> any ExchangePort {
        EgressPort(rules: rules, mode: mode, downstream: downstream, shard: shard)
    }
}

/// Decides for each exchange as it comes. There is nothing to see in it later, so there is no gate.
private final class EgressPort: ExchangePort {
    private let rules: EgressRules
    private let mode: RefusalMode
    private let downstream: any ExchangePort
    private let denied: Counter

    init(rules: EgressRules, mode: RefusalMode, downstream: any ExchangePort, shard: Shard) {
        self.rules = rules
        self.mode = mode
        self.downstream = downstream
        denied = shard.metrics.refusals(
            EgressFactory.Metrics.denied, observed: EgressFactory.Metrics.observed, shard.assembling?.labels ?? [], mode)
    }

    var offers: BodyCapabilities { downstream.offers }

    func open(_ exchange: Exchange) {
        switch rules.decide(ExchangeSubject(exchange, time: rules.needsTime ? exchange.shard.localTime : nil)) {
        case .allow(let place):
            exchange.leave(Verdict(.passed, rule: place, note: place == nil ? "no rule is about it" : "allowed"))
            downstream.open(exchange)
        case .deny(let reason):
            denied.add()
            guard mode == .enforce else {
                exchange.leave(Verdict(.wouldRefuse, rule: reason.place, note: reason.sentence))
                return downstream.open(exchange)
            }
            exchange.leave(Verdict(.refused, rule: reason.place, note: reason.sentence))
            reason.audit(exchange, address: nil)
            exchange.answer(Failure(.forbidden, reason.sentence).response(for: exchange.request))
        case .byAddress(let question):
            exchange.addressChecks.append(
                EgressAddressCheck(
                    question: question, mode: mode, denied: denied,
                    exchange: exchange.isJudged || exchange.shard.telemetry.audit != nil ? exchange : nil))
            downstream.open(exchange)
        }
    }
}

/// What is left to decide when the address is known. Counts an exchange that finds no address once.
private final class EgressAddressCheck: AddressCheck {
    private let question: EgressQuestion
    private let mode: RefusalMode
    private let denied: Counter
    private var isCounted = false
    /// Whose verdict it is, where somebody asks or it is recorded. It holds this.
    private weak var exchange: Exchange?
    private let place: Int?

    init(question: EgressQuestion, mode: RefusalMode, denied: Counter, exchange: Exchange?) {
        self.question = question
        self.mode = mode
        self.denied = denied
        self.exchange = exchange
        place = exchange?.stageIndex
    }

    func refusal(of address: SocketAddress) -> Failure? {
        let reason = question.refusal(of: address)
        if let exchange, let place {
            let kind: Verdict.Kind = reason == nil ? .passed : mode == .enforce ? .refused : .wouldRefuse
            let note = reason?.sentence ?? "allowed, by the address \(address.ipAddress ?? "-")"
            exchange.leave(Verdict(kind, rule: reason == nil ? question.allowing(address) : reason?.place, note: note), at: place)
        }
        guard let reason else { return nil }
        if !isCounted {
            denied.add()
            if mode == .enforce, let exchange { reason.audit(exchange, address: address) }
        }
        isCounted = true
        return mode == .enforce ? Failure(.forbidden, reason.sentence) : nil
    }
}

extension EgressRefusal {
    /// Records it, where that is wanted.
    fileprivate func audit(_ exchange: Exchange, address: SocketAddress?) {
        guard let audit = exchange.shard.telemetry.audit else { return }
        audit.record(
            .egressRefused,
            [
                .exchange: exchange.id.description, .client: exchange.clientName, .target: exchange.request.authority,
                .address: address?.ipAddress ?? "", .rule: place?.description ?? "",
            ])
    }
}
