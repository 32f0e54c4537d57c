import ConfigurationLanguage
import Testing

@testable import Pipeline

/// What is kept of what stages say.
@Suite struct VerdictListTests {
    private static func place(_ index: Int, _ name: String = "stage") -> StagePlace { StagePlace(name: name, index: index) }
    private static let rule = RulePlace(file: "server.yaml", line: 12)

    @Test func `A stage that says nothing has passed the exchange on`() {
        var list = VerdictList()
        list.reached(Self.place(1))
        list.reached(Self.place(2))
        #expect(list.entries.map(\.verdict.kind) == [.passed, .passed] && list.entries.map(\.place.path) == ["2", "3"])
    }

    @Test(
        arguments: [
            (.passed, .changed, .changed), (.changed, .passed, .changed), (.changed, .delayed, .delayed),
            (.refused, .answered, .refused),
            (.wouldRefuse, .delayed, .wouldRefuse), (.answered, .refused, .refused),
        ] as [(Verdict.Kind, Verdict.Kind, Verdict.Kind)])
    func `What weighs more counts`(_ first: Verdict.Kind, _ second: Verdict.Kind, _ expected: Verdict.Kind) {
        var list = VerdictList()
        list.reached(Self.place(1))
        list.leave(Verdict(first), at: 1)
        list.leave(Verdict(second), at: 1)
        #expect(list.entries.map(\.verdict.kind) == [expected])
    }

    @Test func `A rule and a note stay where the next has none`() {
        var list = VerdictList()
        list.reached(Self.place(1))
        list.leave(Verdict(.refused, rule: Self.rule, note: "because"), at: 1)
        list.leave(Verdict(.answered), at: 1)
        #expect(list.entries.map(\.verdict) == [Verdict(.refused, rule: Self.rule, note: "because")])
    }

    @Test func `The last time that an exchange comes to a stage is the one that counts`() {
        var list = VerdictList()
        for _ in 0..<2 { list.reached(Self.place(4)) }
        list.leave(Verdict(.answered, note: "200"), at: 4)
        #expect(list.entries.map(\.verdict.kind) == [.passed, .answered])
        list.leave(Verdict(.refused), at: 9)
        #expect(list.entries.count == 2, "a stage that the exchange didn't come to says nothing")
    }

    @Test func `It is of bounded size`() {
        var list = VerdictList()
        for index in 0..<(VerdictList.limit * 2) { list.reached(Self.place(index)) }
        #expect(list.entries.count == VerdictList.limit && list.isCut)
        let long = Verdict(.passed, note: String(repeating: "\u{e9}", count: 5_000))
        #expect(long.note.count == Verdict.noteLimit && long.note.hasSuffix("…"))
    }

    @Test func `Places of rules`() {
        #expect(Self.rule.description == "server.yaml:12" && RulePlace(file: nil, line: 3).description == "line 3")
    }
}
