/// The stages before and after a stage in its list.
public struct StageSurroundings: Sendable {
    /// Another stage of the list, as far as it matters to this one.
    public struct Neighbour: Sendable {
        /// The stage's name in the list.
        public var name: String
        /// Nil where the stage doesn't fit its place, or isn't known.
        public var form: StageForm?
        /// What it is to the stages around it, with its configuration taken into account.
        public var traits: StageTraits
        /// Where it dials the other end of a tunnel; nil where it doesn't, or its configuration can't be read.
        public var dials: Dialled?
        /// Where it listens; nil where it doesn't, or its configuration can't be read.
        public var listens: ListenAddress?
        /// The stages of the lists that it has itself, one list for each of its branches.
        public var branches: [[Neighbour]] = []

        /// A neighbour.
        /// - Parameter form: Nil where the stage doesn't fit its place, or isn't known.
        public init(name: String, form: StageForm?, traits: StageTraits, dials: Dialled? = nil, listens: ListenAddress? = nil) {
            self.name = name
            self.form = form
            self.traits = traits
            self.dials = dials
            self.listens = listens
        }

        /// Whether it has the trait, or a stage in each of its branches has it.
        public func has(_ trait: StageTraits) -> Bool {
            traits.contains(trait) || !branches.isEmpty && branches.allSatisfy { $0.contains { $0.has(trait) } }
        }

        /// Where it listens, and the stages in its branches do.
        fileprivate var listening: [ListenAddress] { [listens].compactMap { $0 } + branches.flatMap { $0.flatMap(\.listening) } }

        /// Whether it has the trait, or a stage in one of its branches has it.
        public func mayHave(_ trait: StageTraits) -> Bool {
            traits.contains(trait) || branches.contains { $0.contains { $0.mayHave(trait) } }
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
    /// The stages behind it, in the list's order.
    public var after: [Neighbour]

    /// Surroundings; those of a stage that stands alone, if nothing is given.
    public init(before: [Neighbour] = [], after: [Neighbour] = []) {
        self.before = before
        self.after = after
    }

    /// The stage that makes the exchanges of its list.
    public var exchangeSource: Neighbour? {
        before.last { $0.form?.output == .exchange && $0.form?.input != .exchange }
    }

    /// Where connections are accepted that come to this stage.
    package var listensBefore: [ListenAddress] { before.flatMap(\.listening) }

    /// Whether a stage with the trait stands before this one, on every way to it.
    public func isAfter(_ trait: StageTraits) -> Bool { before.contains { $0.has(trait) } }
    /// Whether a stage with the trait stands before this one, on one way to it at least.
    public func mayBeAfter(_ trait: StageTraits) -> Bool { before.contains { $0.mayHave(trait) } }
    /// Whether a stage with the trait stands behind this one, in every branch.
    public func isBefore(_ trait: StageTraits) -> Bool { after.contains { $0.has(trait) } }
    /// Whether a stage with the trait stands behind this one, in one branch at least.
    public func mayBeBefore(_ trait: StageTraits) -> Bool { after.contains { $0.mayHave(trait) } }
}
