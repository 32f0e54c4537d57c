public import Logging

/// What a stage takes and what it yields. A stage with one form for each direction (`mtls`, `frame`) gets the one that fits.
public struct StageForm: Sendable, Equatable {
    public var input: MediumKind
    public var output: MediumKind

    public init(_ input: MediumKind, _ output: MediumKind) {
        self.input = input
        self.output = output
    }
}

/// What a stage needs from the host that runs it.
public struct HostNeeds: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Listens for connections.
    public static let listening = HostNeeds(rawValue: 1)
    /// Keeps working between two exchanges: timers, connections that stay open.
    public static let background = HostNeeds(rawValue: 2)
    /// Speaks the Lambda Runtime API.
    public static let lambdaRuntime = HostNeeds(rawValue: 4)
    /// Opens connections of its own. Every host has this; `fluidity test`, which works without a network, has not.
    public static let network = HostNeeds(rawValue: 8)
}

/// What runs a plan, and what it can give to stages.
public enum HostKind: String, Sendable, CaseIterable {
    case agent
    case server
    case lambda

    public var offers: HostNeeds {
        switch self {
        case .agent, .server: [.listening, .background, .network]
        case .lambda: [.lambdaRuntime, .network]
        }
    }
}

/// What a stage is told when it is made.
public struct StageContext: Sendable {
    public var logger: Logger
    public var host: HostKind
    /// Where the host has the server started and stopped: what is known of it.
    public var presence: ServerPresence?
    public var surroundings: StageSurroundings
    /// What the host gives. Less than a host of its kind in `fluidity test`, which has no network: a filter that would ask somebody
    /// something does without.
    public var offers: HostNeeds

    public init(logger: Logger, host: HostKind, surroundings: StageSurroundings = StageSurroundings()) {
        self.logger = logger
        self.host = host
        self.surroundings = surroundings
        offers = host.offers
    }
}

/// Makes one kind of stage from its configuration, and describes it: from this come the checks, the hints and the reference.
public protocol StageFactory: Sendable {
    associatedtype Configuration: StageConfiguration

    /// The name in the YAML list, in kebab-case.
    static var name: String { get }
    /// One sentence: what the stage does.
    static var summary: String { get }
    /// What it takes and yields, one for each direction in which it can stand.
    static var forms: [StageForm] { get }
    static var needs: HostNeeds { get }
    /// What it is to the stages around it.
    static var traits: StageTraits { get }
    /// What the reference says beyond this: details, an example, metrics, notes. By default nothing.
    static var reference: StageReference { get }

    /// The same for one configuration, where that makes a difference. By default `traits`.
    func traits(of configuration: Configuration) -> StageTraits

    /// What is wrong with a configuration at its place in the list, though it is right by itself.
    func problems(_ configuration: Configuration, among surroundings: StageSurroundings) -> [ConfigurationProblem]

    /// Makes the stage. `form` is one of `forms`: the one that fits its place. The stage's `Input.kind` and `Output.kind` are
    /// the form's. Throws a `StageError` when the configuration is well-formed but can't work, a certificate that is
    /// expired, say.
    func make(_ configuration: Configuration, form: StageForm, context: StageContext) throws -> any Stage
}

extension StageFactory {
    public static var needs: HostNeeds { [] }
    public static var traits: StageTraits { [] }

    public func traits(of configuration: Configuration) -> StageTraits { Self.traits }

    public func problems(_ configuration: Configuration, among surroundings: StageSurroundings) -> [ConfigurationProblem] { [] }
}

/// The factories that a pipeline can name. A value that is passed in: a program registers its own stages before it starts.
public struct StageRegistry: Sendable {
    public private(set) var factories: [any StageFactory] = []

    public init() {}

    /// Adds a factory. One of the same name is replaced.
    public mutating func register(_ factory: some StageFactory) {
        let name = type(of: factory).name
        factories.removeAll { type(of: $0).name == name }
        factories.append(factory)
    }

    /// The factory that was registered under the name.
    public func factory(named name: String) -> (any StageFactory)? {
        factories.first { type(of: $0).name == name }
    }

    public var names: [String] { factories.map { type(of: $0).name } }
}

/// Why a stage could not be made or started.
public struct StageError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is; the program's exit status follows from it.
    public enum Code: Sendable {
        /// The configuration can't work as it is. Exit status 65 (EX_DATAERR).
        case configuration
        /// A resource is taken or can't be had, a port say. Exit status 69 (EX_UNAVAILABLE).
        case unavailable
    }

    public var code: Code
    public var message: String
    /// The configuration key at fault, where there is one.
    public var key: String?

    public init(_ code: Code, _ message: String, key: String? = nil) {
        self.code = code
        self.message = message
        self.key = key
    }

    public var description: String { message }
}
