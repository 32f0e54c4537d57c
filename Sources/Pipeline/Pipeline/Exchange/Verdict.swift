public import ConfigurationLanguage

/// What a stage has said to an exchange: what it did with it, which rule decided, and a few words. Of bounded size, and never with a path, a
/// field's value or a body.
public struct Verdict: Sendable, Hashable {
    /// What became of the exchange at a stage.
    public enum Kind: String, Sendable, CaseIterable {
        /// It went on as it came.
        case passed
        /// It went on, and something of it is another.
        case changed
        /// It went on later.
        case delayed
        /// It would have ended here, and went on because the stage only observes.
        case wouldRefuse = "would-refuse"
        /// It ended here, for a reason that has to do with who asked for what.
        case refused
        /// It ended here with an answer: the origin's, or one that says why there is none.
        case answered
    }

    /// What became of the exchange.
    public var kind: Kind
    /// The line that decided; nil where no single one did.
    public var rule: RulePlace?
    /// A few words, for a person; empty where there is nothing to add.
    public var note: String

    /// The longest note, in characters.
    public static let noteLimit = 160

    /// A verdict, whose note is cut where it is too long.
    public init(_ kind: Kind, rule: RulePlace? = nil, note: String = "") {
        self.kind = kind
        self.rule = rule
        self.note = note.utf8.count <= Self.noteLimit ? note : String(note.prefix(Self.noteLimit - 1)) + "…"
    }
}

/// A verdict, and whose it is.
public struct StageVerdict: Sendable, Hashable {
    /// The stage that left it.
    public var place: StagePlace
    /// What it said.
    public var verdict: Verdict

    /// A stage's verdict.
    public init(place: StagePlace, verdict: Verdict) {
        self.place = place
        self.verdict = verdict
    }
}

/// The verdicts of all stages on one exchange, in the order in which it came to them. An exchange that is sent on its way several times comes
/// to the later ones again.
public struct VerdictList: Sendable, Hashable {
    /// How many are kept; of an exchange that comes to more stages the rest is left out.
    public static let limit = 64

    /// What is kept.
    public private(set) var entries: [StageVerdict] = []
    /// Whether more came than is kept.
    public private(set) var isCut = false

    /// No verdicts.
    public init() {}

    /// The exchange has come to a stage, which passes it on if it says nothing.
    mutating func reached(_ place: StagePlace) {
        guard entries.count < Self.limit else {
            isCut = true
            return
        }
        entries.append(StageVerdict(place: place, verdict: Verdict(.passed)))
    }

    /// A stage has said something. What weighs more counts, and of two that weigh the same the later; a rule and a note that were given stay where
    /// the new verdict has none.
    mutating func leave(_ verdict: Verdict, at index: Int) {
        guard let entry = entries.lastIndex(where: { $0.place.index == index }) else { return }
        let before = entries[entry].verdict
        var verdict = verdict
        if verdict.weight < before.weight { verdict.kind = before.kind }
        if verdict.rule == nil { verdict.rule = before.rule }
        if verdict.note.isEmpty { verdict.note = before.note }
        entries[entry].verdict = verdict
    }

    /// What a stage has said so far.
    func verdict(at index: Int) -> Verdict? { entries.last { $0.place.index == index }?.verdict }
}

extension Verdict {
    fileprivate var weight: Int {
        switch kind {
        case .passed: 0
        case .changed: 1
        case .delayed: 2
        case .wouldRefuse: 3
        case .answered: 4
        case .refused: 5
        }
    }
}
