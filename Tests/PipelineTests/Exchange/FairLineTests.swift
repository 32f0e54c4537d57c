import NIOCore
import Testing

@testable import Pipeline

/// What waits, a line for each client.
@Suite struct FairLineTests {
    private struct Entry: ImpatientElement {
        var element: String
        var until: NIODeadline
        var client: Character { element.first ?? "-" }
    }

    private typealias Line = FairLine<Character, Entry>
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// "a1" is the client a's. What is appended has its place's number of seconds.
    private func line(_ names: [String]) -> Line {
        var line = Line()
        for (index, name) in names.enumerated() {
            let entry = Entry(element: name, until: start + .seconds(Int64(index)))
            line.append(entry, of: entry.client)
        }
        return line
    }

    private func drained(_ line: Line) -> [String] {
        var line = line
        var order: [String] = []
        while let next = line.popFirst() { order.append(next.element) }
        #expect(line.isEmpty && line.count == 0 && line.first == nil && line.deadline == nil)
        return order
    }

    @Test(
        arguments: [
            ([], []),
            (["a1", "a2", "a3"], ["a1", "a2", "a3"]),
            (["a1", "a2", "a3", "b1"], ["a1", "b1", "a2", "a3"]),
            (["a1", "a2", "b1", "b2", "c1"], ["a1", "b1", "c1", "a2", "b2"]),
        ] as [([String], [String])])
    func `Clients take turns`(_ names: [String], _ expected: [String]) {
        #expect(line(names).first?.element == expected.first && line(names).count == expected.count)
        #expect(drained(line(names)) == expected)
    }

    @Test func `Behind a thousand of one client another's first is second`() {
        var line = line((0..<1_000).map { "a\($0)" } + ["b"])
        let taken = (0..<2).map { _ in line.popFirst()?.element }
        #expect(taken == ["a0", "b"] && line.count == 999)
    }

    @Test func `What is put in front is next, and its client's turn is over then`() {
        var line = line(["a1", "a2", "b1", "b2"])
        line.prepend(Entry(element: "b0", until: start), of: "b")
        #expect(drained(line) == ["b0", "a1", "b1", "a2", "b2"])
    }

    @Test(
        arguments: [
            ("a1", ["a2", "b1"]), ("a2", ["a1", "b1"]), ("b1", ["a1", "a2"]), ("c1", ["a1", "b1", "a2"]),
        ] as [(String, [String])])
    func `What leaves is waited for by nobody`(_ leaving: String, _ expected: [String]) {
        var line = line(["a1", "a2", "b1"])
        #expect(line.popFirst(of: leaving.first ?? "-") { $0.element == leaving }?.element == (leaving == "c1" ? nil : leaving))
        #expect(drained(line) == expected)
    }

    @Test func `The first that will do is taken, and turns stay`() {
        var line = line(["a1", "a2", "b1", "c1"])
        #expect(line.popFirst { $0.element.hasSuffix("2") || $0.element.hasPrefix("c") }?.element == "a2")
        #expect(line.popFirst { $0.element == "x" } == nil)
        #expect(drained(line) == ["a1", "b1", "c1"])
    }

    /// What waits, who wants another place, and what is given up for him.
    @Test(
        arguments: [
            (["a1", "a2", "a3"], "b", "a3"),
            (["a1", "a2", "a3", "b1"], "b", "a3"),
            (["a1", "a2", "b1"], "b", nil),
            (["a1", "a2", "a3"], "a", nil),
            (["a1"], "b", nil),
            ([], "b", nil),
        ] as [([String], Character, String?)])
    func `Who has most gives his last to one with less`(_ names: [String], _ client: Character, _ expected: String?) {
        var line = line(names)
        #expect(line.popOfHeaviest(for: client)?.element == expected)
        #expect(line.count == names.count - (expected == nil ? 0 : 1))
    }

    @Test func `What counts may be something else than a place`() {
        var line = line(["a1", "a2", "b900"])
        #expect(line.popOfHeaviest(for: "c") { Int64($0.element.dropFirst()) ?? 0 }?.element == "b900")
    }

    @Test func `Time is up for each by itself`() {
        var line = line(["a1", "b1", "a2", "b2"])
        #expect(line.deadline == start)
        #expect(Set(line.popExpired(at: start + .milliseconds(1_500)).map(\.element)) == ["a1", "b1"])
        #expect(line.deadline == start + .seconds(2))
        #expect(drained(line) == ["a2", "b2"])
    }

    @Test func `A client of whom nothing waits may be next`() {
        var line = line(["a1", "a2"])
        for name in ["b1", "c1", "a3"] {
            line.append(Entry(element: name, until: start), of: name.first ?? "-", isNext: true)
        }
        #expect(drained(line) == ["c1", "b1", "a1", "a2", "a3"])
    }

    @Test(
        arguments: [("a", ["a1", "a2"], ["b1"]), ("b", ["b1"], ["a1", "a2"]), ("c", [], ["a1", "b1", "a2"])]
            as [(Character, [String], [String])])
    func `All of a client's leave together`(_ client: Character, _ leaving: [String], _ staying: [String]) {
        var line = line(["a1", "b1", "a2"])
        #expect(line.removeAll(of: client).map(\.element) == leaving)
        #expect(drained(line) == staying)
    }

    @Test func `What isn't wanted leaves, whoever's it is`() {
        var line = line(["a1", "b1", "a2", "b2", "c1"])
        #expect(Set(line.removeAll { $0.element.hasSuffix("1") }.map(\.element)) == ["a1", "b1", "c1"])
        #expect(line.count == 2 && drained(line) == ["a2", "b2"])
    }

    @Test func `For nobody's sake the longest line gives its last, were it the only one`() {
        var line = line(["a1", "b1", "b2"])
        #expect((0..<4).map { _ in line.popOfHeaviest(for: nil)?.element }.first == "b2")
        #expect(line.isEmpty)
    }
}
