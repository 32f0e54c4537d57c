public import Addresses
public import ConfigurationLanguage
import HTTPMessages
import Pipeline
import Platform

/// What an exchange is about.
public enum ExchangeKind: String, Sendable, CaseIterable, ConfigurationChoice {
    /// A request for a resource.
    case plain
    /// CONNECT: raw bytes to a host.
    case tunnel
    /// A change of protocol, a WebSocket say.
    case upgrade
}

/// The scheme of a request's target.
public enum ExchangeScheme: String, Sendable, CaseIterable, ConfigurationChoice {
    /// Cleartext HTTP.
    case http
    /// HTTP over TLS, where this program sees the request.
    case https
}

/// Which exchanges a rule is about, or a branch takes: all conditions that are given must hold, and of each any entry. Without any, it is
/// about all.
public struct ExchangeConditions: NestedConfiguration {
    /// Patterns of the host's name as the client wrote it, without regard to case.
    public var hosts: [Glob] = []
    /// Networks of the address.
    public var networks: [Network] = []
    /// The ports, given or by the scheme.
    public var ports: [PortRange] = []
    /// The methods, CONNECT for tunnels.
    public var methods: [String] = []
    /// Patterns of who the exchange comes from.
    public var identities: [Glob] = []
    /// What it is about.
    public var kinds: [ExchangeKind] = []
    /// The scheme; a tunnel has none.
    public var schemes: [ExchangeScheme] = []
    /// Networks of the client's address.
    public var clients: [Network] = []
    /// Parts of the day, where this machine is.
    public var hours: [DayTime] = []
    /// Days of the week, where this machine is.
    public var weekdays: [Weekday] = []

    public init() {}

    /// Conditions of which all that aren't empty must hold.
    public init(
        hosts: [Glob] = [], networks: [Network] = [], ports: [PortRange] = [], methods: [String] = [], identities: [Glob] = [],
        kinds: [ExchangeKind] = [], schemes: [ExchangeScheme] = [], clients: [Network] = [], hours: [DayTime] = [],
        weekdays: [Weekday] = []
    ) {
        self.hosts = hosts
        self.networks = networks
        self.ports = ports
        self.methods = methods
        self.identities = identities
        self.kinds = kinds
        self.schemes = schemes
        self.clients = clients
        self.hours = hours
        self.weekdays = weekdays
    }

    public static let schema = Schema<ExchangeConditions>(
        .optional("hosts", \.hosts, "The host's name as the client wrote it, without regard to case: patterns."),
        .optional(
            "networks", \.networks,
            "The address of the host. In 'egress' before 'fetch' it is the one that is dialled, whatever name led to it; elsewhere only hosts that are written as addresses have one."
        ),
        .optional("ports", \.ports, "The port, given or by the scheme."),
        .optional("methods", \.methods, "The method, CONNECT for tunnels."),
        .optional("identities", \.identities, "Who the exchange comes from: patterns."),
        .optional("kinds", \.kinds, "What it is: plain, tunnel (CONNECT) or upgrade (a WebSocket, say)."),
        .optional("schemes", \.schemes, "The scheme, http or https. A tunnel has none."),
        .optional("clients", \.clients, "The address that the client comes from: networks. A Unix socket is in none."),
        .optional("hours", \.hours, "The time of day where this machine is, `08:00-18:30`; `22:00-06:00` goes over midnight."),
        .optional("weekdays", \.weekdays, "The day of the week where this machine is.")
    )

    public func validate() -> [ConfigurationProblem] {
        let wrong = methods.first { !$0.utf8.allSatisfy(HTTPGrammar.isTokenByte) || $0.isEmpty || $0 != $0.uppercased() }
        let problem = wrong.map { method in
            let capitals = method.uppercased()
            let isWord = !capitals.isEmpty && capitals.utf8.allSatisfy(HTTPGrammar.isTokenByte)
            return ConfigurationProblem(
                "'\(ForeignText.line(method, limit: 40))' is no method: a method is a word in capitals such as GET", key: "methods",
                hint: isWord ? "write \(ForeignText.line(capitals, limit: 40))" : nil)
        }
        return (problem.map { [$0] } ?? [])
            + hosts.hostProblems(key: "hosts")
    }
}

extension ExchangeConditions {
    /// Whether one of them asks what time it is.
    var needsTime: Bool { !hours.isEmpty || !weekdays.isEmpty }

    /// Whether all of them hold but that on the host's address.
    func fitButAddress(_ subject: ExchangeSubject) -> Bool {
        (hosts.isEmpty || hosts.contains { $0.matches(subject.host, ignoringCase: true) })
            && (ports.isEmpty || ports.contains { $0.ports.contains(subject.port) })
            && (methods.isEmpty || methods.contains(subject.method))
            && (identities.isEmpty || identities.contains { $0.matches(subject.identity) })
            && (kinds.isEmpty || kinds.contains(subject.kind))
            && (schemes.isEmpty || subject.scheme.map { schemes.contains($0) } ?? false)
            && (clients.isEmpty || subject.client.map { address in clients.contains { $0.contains(address) } } ?? false)
            && (hours.isEmpty || subject.time.map { time in hours.contains { $0.contains(time.minute) } } ?? false)
            && (weekdays.isEmpty || subject.time.map { time in weekdays.contains { $0.number == time.weekday } } ?? false)
    }

    /// Whether all of them hold, for an address that is written as the host: dialling it reaches nothing outside the networks.
    func fit(_ subject: ExchangeSubject) -> Bool {
        fitButAddress(subject) && (networks.isEmpty || subject.address.map { networks.haveAll(reachedBy: $0) } ?? false)
    }

    /// Whether they hold for everything for which the others do, as far as that is plain.
    func cover(_ other: ExchangeConditions) -> Bool {
        func all<Entry>(_ own: [Entry], _ others: [Entry], _ covers: (Entry, Entry) -> Bool) -> Bool {
            own.isEmpty || !others.isEmpty && others.allSatisfy { each in own.contains { covers($0, each) } }
        }
        return all(hosts, other.hosts) { $0.covers($1, ignoringCase: true) }
            && all(networks, other.networks) { $0.covers($1) }
            && all(ports, other.ports) { $0.ports.lowerBound <= $1.ports.lowerBound && $0.ports.upperBound >= $1.ports.upperBound }
            && all(methods, other.methods, ==)
            && all(identities, other.identities) { $0.covers($1) }
            && all(kinds, other.kinds, ==)
            && all(schemes, other.schemes, ==)
            && all(clients, other.clients) { $0.covers($1) }
            && all(hours, other.hours, ==)
            && all(weekdays, other.weekdays, ==)
    }

    /// A warning where names are asked for that nobody has found out.
    func identityProblems(key: String, stage: String, among surroundings: StageSurroundings) -> [ConfigurationProblem] {
        guard !identities.isEmpty, !surroundings.isAfter(.identifies), !surroundings.isAfter(.verifiesPeers) else { return [] }
        return [
            .warning(
                "nobody has a name here: no stage before '\(stage)' finds out who a client is", key: key,
                hint: "put 'auth' before it")
        ]
    }
}

extension Network {
    /// Whether it has every address of another, as it is written.
    fileprivate func covers(_ other: Network) -> Bool {
        guard bytes.count == other.bytes.count, !bytes.isEmpty, prefix <= other.prefix else { return self == other }
        return bytes.indices.allSatisfy { index in
            let bits = max(0, min(8, prefix - index * 8))
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
            return bytes[index] & mask == other.bytes[index] & mask
        }
    }
}
