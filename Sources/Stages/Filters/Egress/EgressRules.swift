public import Addresses
public import ConfigurationLanguage
import NIOCore
import Pipeline

/// One rule of the list.
///
///     .allow(hosts: ["*.example.com"], ports: [443])
///     .deny(networks: ["10.0.0.0/8"])
public enum EgressRule: ConfigurationUnion {
    /// Lets go on what fits the conditions.
    case allow(ExchangeConditions)
    /// Refuses what fits the conditions.
    case deny(ExchangeConditions)

    /// Lets go on what fits all of these, and of each any entry.
    public static func allow(
        hosts: [Glob] = [], networks: [Network] = [], ports: [PortRange] = [], methods: [String] = [], identities: [Glob] = []
    ) -> EgressRule {
        .allow(ExchangeConditions(hosts: hosts, networks: networks, ports: ports, methods: methods, identities: identities))
    }

    /// Refuses what fits all of these, and of each any entry.
    public static func deny(
        hosts: [Glob] = [], networks: [Network] = [], ports: [PortRange] = [], methods: [String] = [], identities: [Glob] = []
    ) -> EgressRule {
        .deny(ExchangeConditions(hosts: hosts, networks: networks, ports: ports, methods: methods, identities: identities))
    }

    public static var variants: [ConfigurationVariant<EgressRule>] {
        [
            ConfigurationVariant(
                "allow", "Lets the exchange go on.", make: { .allow($0) },
                unwrap: { if case .allow(let conditions) = $0 { conditions } else { nil } }),
            ConfigurationVariant(
                "deny", "Refuses the exchange with 403.", make: { .deny($0) },
                unwrap: { if case .deny(let conditions) = $0 { conditions } else { nil } }),
        ]
    }

    var verdict: EgressVerdict {
        switch self {
        case .allow: .allow
        case .deny: .deny
        }
    }

    var conditions: ExchangeConditions {
        switch self {
        case .allow(let conditions), .deny(let conditions): conditions
        }
    }
}

/// Why an exchange is refused: the rule's line, nil where no rule fitted.
struct EgressRefusal: Equatable {
    enum Rule: Equatable {
        case line(RulePlace)
        /// Set from outside the file: its place in the list.
        case place(Int)
        case otherwise
    }

    var rule: Rule
    var host: String

    /// The line that refuses; nil where none does, or none is known.
    var place: RulePlace? {
        if case .line(let place) = rule { place } else { nil }
    }

    var sentence: String {
        switch rule {
        case .line(let place):
            "'\(host)' is not allowed here: the egress rule \(place.file == nil ? "in" : "at") \(place) denies it"
        case .place(let place): "'\(host)' is not allowed here: egress rule \(place) denies it"
        case .otherwise: "'\(host)' is not allowed here: no egress rule allows it"
        }
    }
}

enum EgressDecision: Equatable {
    /// With the line that allows, if one does.
    case allow(RulePlace?)
    case deny(EgressRefusal)
    case byAddress(EgressQuestion)
}

/// What remains when everything but the address is decided: rules that wait for it, and what counts if none of them fits.
struct EgressQuestion: Equatable {
    struct Candidate: Equatable {
        var networks: [Network]
        /// Nil allows.
        var refusal: EgressRefusal?
        /// The rule's line.
        var place: RulePlace?

        /// Whether the rule is about an address: one that denies, if dialling may reach its networks; one that allows, if dialling
        /// reaches nothing else.
        func fits(_ address: IPAddress) -> Bool {
            refusal == nil ? networks.haveAll(reachedBy: address) : networks.mayBeReached(by: address)
        }
    }

    var candidates: [Candidate]
    var fallback: EgressRefusal?
    /// The line that allows where no candidate fits, if one does.
    var fallbackPlace: RulePlace?

    /// The line that allows an address; nil where none does by itself.
    func allowing(_ address: SocketAddress) -> RulePlace? { IPAddress(address).map(allowing) ?? fallbackPlace }

    func allowing(_ address: IPAddress) -> RulePlace? {
        candidates.first { $0.fits(address) }.map(\.place) ?? fallbackPlace
    }

    func refusal(of address: SocketAddress) -> EgressRefusal? {
        // What has no IP address is in no network.
        guard let address = IPAddress(address) else { return fallback }
        return refusal(of: address)
    }

    func refusal(of address: IPAddress) -> EgressRefusal? {
        for candidate in candidates where candidate.fits(address) { return candidate.refusal }
        return fallback
    }
}

struct EgressRules: Sendable {
    let rules: [Positioned<EgressRule>]
    let otherwise: EgressVerdict
    /// Whether whoever dials will ask for each address.
    let seesAddresses: Bool

    /// Whether a rule asks what time it is.
    var needsTime: Bool { rules.contains { $0.value.conditions.needsTime } }

    func decide(_ subject: ExchangeSubject) -> EgressDecision {
        var candidates: [EgressQuestion.Candidate] = []
        let host = subject.host.lowercased()
        var fallback = otherwise == .deny ? EgressRefusal(rule: .otherwise, host: host) : nil
        var allowing: RulePlace?
        for (index, rule) in rules.enumerated() where rule.value.conditions.fitButAddress(subject) {
            let place = rule.place.map { EgressRefusal.Rule.line($0) } ?? .place(index + 1)
            let refusal = rule.value.verdict == .deny ? EgressRefusal(rule: place, host: host) : nil
            let networks = rule.value.conditions.networks
            if networks.isEmpty {
                fallback = refusal
                if refusal == nil { allowing = rule.place }
                break
            }
            if seesAddresses || subject.address != nil {
                candidates.append(.init(networks: networks, refusal: refusal, place: rule.place))
            }
        }
        let question = EgressQuestion(candidates: candidates, fallback: fallback, fallbackPlace: allowing)
        guard !candidates.isEmpty else { return fallback.map { .deny($0) } ?? .allow(allowing) }
        // An address is decided here, so that nothing of the exchange goes on; whoever dials asks only for names.
        if let address = subject.address {
            return question.refusal(of: address).map { .deny($0) } ?? .allow(question.allowing(address))
        }
        return .byAddress(question)
    }
}
