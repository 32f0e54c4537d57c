import NIOCore
import Testing

@testable import Pipeline

/// What waits, a line for each client.
@Suite struct FairLineTests {
    private typealias Line = FairLine<Character, String, String>
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// "a1" is the client a's. What is appended has its place's number of seconds.
    private func line(_ names: [String]) -> Line {
        var line = Line()
        for (index, name) in names.enumerated() { line.append(entry(name, until: start + .seconds(Int64(index)))) }
        return line
    }

    private func entry(_ name: String, until: NIODeadline) -> Line.Entry {
        Line.Entry(name, id: name, of: name.first ?? "-", until: until)
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
        #expect(line(names).first == expected.first && line(names).count == expected.count)
        #expect(drained(line(names)) == expected)
    }

    @Test func `Behind a thousand of one client another's first is second`() {
        var line = line((0..<1_000).map { "a\($0)" } + ["b"])
        let taken = (0..<2).map { _ in line.popFirst()?.element }
        #expect(taken == ["a0", "b"] && line.count == 999)
    }

    @Test func `What is put in front is next, and its client's turn is over then`() {
        var line = line(["a1", "a2", "b1", "b2"])
        line.prepend(entry("b0", until: start))
        #expect(drained(line) == ["b0", "a1", "b1", "a2", "b2"])
    }

    @Test(
        arguments: [
            ("a1", ["a2", "b1"]), ("a2", ["a1", "b1"]), ("b1", ["a1", "a2"]), ("c1", ["a1", "b1", "a2"]),
        ] as [(String, [String])])
    func `What leaves is waited for by nobody`(_ leaving: String, _ expected: [String]) {
        var line = line(["a1", "a2", "b1"])
        #expect(line.remove(leaving, of: leaving.first ?? "-")?.element == (leaving == "c1" ? nil : leaving))
        #expect(drained(line) == expected)
    }

    @Test func `The first that will do is taken, and turns stay`() {
        var line = line(["a1", "a2", "b1", "c1"])
        #expect(line.popFirst { $0.hasSuffix("2") || $0.hasPrefix("c") }?.element == "a2")
        #expect(line.popFirst { $0 == "x" } == nil)
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
        #expect(line.popOfHeaviest(for: "c") { Int64($0.dropFirst()) ?? 0 }?.element == "b900")
    }

    @Test func `Time is up for each by itself`() {
        var line = line(["a1", "b1", "a2", "b2"])
        #expect(line.deadline == start)
        #expect(Set(line.popExpired(at: start + .milliseconds(1_500)).map(\.element)) == ["a1", "b1"])
        #expect(line.deadline == start + .seconds(2))
        #expect(drained(line) == ["a2", "b2"])
    }
}
