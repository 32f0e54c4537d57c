public import Addresses
public import ConfigurationLanguage
import HTTPMessages
import NIOCore
import Pipeline

/// One rule of the list.
///
///     .allow(hosts: ["*.example.com"], ports: [443])
///     .deny(networks: ["10.0.0.0/8"])
public enum EgressRule: ConfigurationUnion {
    /// Lets go on what fits the conditions.
    case allow(EgressConditions)
    /// Refuses what fits the conditions.
    case deny(EgressConditions)

    /// Lets go on what fits all of these, and of each any entry.
    public static func allow(
        hosts: [Glob] = [], networks: [Network] = [], ports: [PortRange] = [], methods: [String] = [], identities: [Glob] = []
    ) -> EgressRule {
        .allow(EgressConditions(hosts: hosts, networks: networks, ports: ports, methods: methods, identities: identities))
    }

    /// Refuses what fits all of these, and of each any entry.
    public static func deny(
        hosts: [Glob] = [], networks: [Network] = [], ports: [PortRange] = [], methods: [String] = [], identities: [Glob] = []
    ) -> EgressRule {
        .deny(EgressConditions(hosts: hosts, networks: networks, ports: ports, methods: methods, identities: identities))
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

    var conditions: EgressConditions {
        switch self {
        case .allow(let conditions), .deny(let conditions): conditions
        }
    }
}

/// When a rule fits: all that are given, and of each any entry. Without any, it always fits.
public struct EgressConditions: NestedConfiguration {
    /// Patterns of the host's name as the client wrote it, without regard to case.
    public var hosts: [Glob] = []
    /// Networks of the address that is dialled, whatever name led to it.
    public var networks: [Network] = []
    /// The ports, given or by the scheme.
    public var ports: [PortRange] = []
    /// The methods, CONNECT for tunnels.
    public var methods: [String] = []
    /// Patterns of who the exchange comes from.
    public var identities: [Glob] = []

    public init() {}

    /// Conditions of which all that aren't empty must hold.
    public init(
        hosts: [Glob] = [], networks: [Network] = [], ports: [PortRange] = [], methods: [String] = [], identities: [Glob] = []
    ) {
        self.hosts = hosts
        self.networks = networks
        self.ports = ports
        self.methods = methods
        self.identities = identities
    }

    public static let schema = Schema<EgressConditions>(
        .optional("hosts", \.hosts, "The host's name as the client wrote it, without regard to case: patterns."),
        .optional(
            "networks", \.networks,
            "The address that is dialled, whatever name led to it. It takes 'fetch' after this stage; elsewhere only hosts that are written as addresses have one."
        ),
        .optional("ports", \.ports, "The port, given or by the scheme."),
        .optional("methods", \.methods, "The method, CONNECT for tunnels."),
        .optional("identities", \.identities, "Who the exchange comes from: patterns.")
    )

    public func validate() -> [ConfigurationProblem] {
        let areMethods = methods.allSatisfy { $0.utf8.allSatisfy(HTTPGrammar.isTokenByte) && !$0.isEmpty && $0 == $0.uppercased() }
        return (areMethods ? [] : [ConfigurationProblem("a method is a word in capitals such as GET", key: "methods")])
            + hosts.hostProblems(key: "hosts")
    }
}

/// What the rules look at.
struct EgressSubject: Equatable {
    /// In lower case, without the dot that a name may end with.
    var host: String
    /// What the host is dialled as, if it is written as an address.
    let address: IPAddress?
    var port: Int
    var method: String
    var identity: String

    init(host: String, port: Int, method: String, identity: String) {
        address = IPAddress(host: host)
        let host = host.lowercased()
        self.host = host.count > 1 && host.hasSuffix(".") ? String(host.dropLast()) : host
        self.port = port
        self.method = method
        self.identity = identity
    }

    init(_ exchange: Exchange) {
        let request = exchange.request
        let authority = Authority(request.authority)
        self.init(
            host: authority?.host ?? request.authority, port: authority?.port ?? request.scheme.defaultPort,
            method: request.method, identity: exchange.clientName)
    }
}

/// Why an exchange is refused: the rule's line, nil where no rule fitted.
struct EgressRefusal: Equatable {
    enum Rule: Equatable {
        case line(Int)
        /// Set from outside the file: its place in the list.
        case place(Int)
        case otherwise
    }

    var rule: Rule
    var host: String

    var sentence: String {
        switch rule {
        case .line(let line): "'\(host)' is not allowed here: the egress rule in line \(line) denies it"
        case .place(let place): "'\(host)' is not allowed here: egress rule \(place) denies it"
        case .otherwise: "'\(host)' is not allowed here: no egress rule allows it"
        }
    }
}

enum EgressDecision: Equatable {
    case allow
    case deny(EgressRefusal)
    case byAddress(EgressQuestion)
}

/// What remains when everything but the address is decided: rules that wait for it, and what counts if none of them fits.
struct EgressQuestion: Equatable {
    struct Candidate: Equatable {
        var networks: [Network]
        /// Nil allows.
        var refusal: EgressRefusal?

        /// Whether the rule is about an address: one that denies, if dialling may reach its networks; one that allows, if dialling
        /// reaches nothing else.
        func fits(_ address: IPAddress) -> Bool {
            refusal == nil ? networks.haveAll(reachedBy: address) : networks.mayBeReached(by: address)
        }
    }

    var candidates: [Candidate]
    var fallback: EgressRefusal?

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

    func decide(_ subject: EgressSubject) -> EgressDecision {
        var candidates: [EgressQuestion.Candidate] = []
        var fallback = otherwise == .deny ? EgressRefusal(rule: .otherwise, host: subject.host) : nil
        for (index, rule) in rules.enumerated() where rule.value.conditions.fit(subject) {
            let place = rule.line.map { EgressRefusal.Rule.line($0) } ?? .place(index + 1)
            let refusal = rule.value.verdict == .deny ? EgressRefusal(rule: place, host: subject.host) : nil
            let networks = rule.value.conditions.networks
            if networks.isEmpty {
                fallback = refusal
                break
            }
            if seesAddresses || subject.address != nil { candidates.append(.init(networks: networks, refusal: refusal)) }
        }
        let question = EgressQuestion(candidates: candidates, fallback: fallback)
        guard !candidates.isEmpty else { return fallback.map { .deny($0) } ?? .allow }
        // An address is decided here, so that nothing of the exchange goes on; whoever dials asks only for names.
        if let address = subject.address { return question.refusal(of: address).map { .deny($0) } ?? .allow }
        return .byAddress(question)
    }
}

extension EgressConditions {
    fileprivate func fit(_ subject: EgressSubject) -> Bool {
        (hosts.isEmpty || hosts.contains { $0.matches(subject.host, ignoringCase: true) })
            && (ports.isEmpty || ports.contains { $0.ports.contains(subject.port) })
            && (methods.isEmpty || methods.contains(subject.method))
            && (identities.isEmpty || identities.contains { $0.matches(subject.identity) })
    }
}
