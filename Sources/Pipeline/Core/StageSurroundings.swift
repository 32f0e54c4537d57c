/// What a stage is to those that stand in one list with it.
public struct StageTraits: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Its exchanges may come with what a client said to prove who it is.
    public static let takesCredentials = StageTraits(rawValue: 1)
    /// Connections behind it have a peer that proved who it is with a certificate.
    public static let verifiesPeers = StageTraits(rawValue: 2)
    /// Exchanges behind it have an identity.
    public static let identifies = StageTraits(rawValue: 4)
    /// Dials for exchanges, and asks their `addressChecks` before it does.
    public static let checksAddresses = StageTraits(rawValue: 8)
    /// Carries exchanges to another program, or has them from one, in a form in which bodies may be deflated.
    public static let carriesDeflated = StageTraits(rawValue: 16)
}

/// The stages before and after a stage in its list.
public struct StageSurroundings: Sendable {
    /// Another stage of the list, as far as it matters to this one.
    public struct Neighbour: Sendable {
        public var name: String
        /// Nil where the stage doesn't fit its place, or isn't known.
        public var form: StageForm?
        public var traits: StageTraits
        /// Where it dials the other end of a tunnel; nil where it doesn't, or its configuration can't be read.
        public var dials: Dialled?

        public init(name: String, form: StageForm?, traits: StageTraits, dials: Dialled? = nil) {
            self.name = name
            self.form = form
            self.traits = traits
            self.dials = dials
        }
    }

    /// Where a stage dials the other end of a tunnel.
    public enum Dialled: Sendable, Equatable {
        /// As the configuration says.
        case at(HostPort)
        /// Somebody else says it while the pipeline runs.
        case foundOut
    }

    /// Both in the list's order.
    public var before: [Neighbour]
    public var after: [Neighbour]

    public init(before: [Neighbour] = [], after: [Neighbour] = []) {
        self.before = before
        self.after = after
    }

    /// The stage that makes the exchanges of its list.
    public var exchangeSource: Neighbour? {
        before.last { $0.form?.output == .exchange && $0.form?.input != .exchange }
    }

    /// Whether a stage with the trait stands before this one.
    public func isAfter(_ trait: StageTraits) -> Bool { before.contains { $0.traits.contains(trait) } }
    /// Whether a stage with the trait stands behind this one.
    public func isBefore(_ trait: StageTraits) -> Bool { after.contains { $0.traits.contains(trait) } }
}
