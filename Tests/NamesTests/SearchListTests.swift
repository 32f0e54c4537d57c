import Testing

@testable import Names

@Suite struct SearchListTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var domains: [String]
        var dots = 1
        var asked: [String]
        var testDescription: String { "\(name) in \(domains), \(dots)" }
    }

    @Test(arguments: [
        Case(name: "a", domains: [], asked: ["a"]),
        Case(name: "a", domains: ["x.test", "y.test"], asked: ["a.x.test", "a.y.test", "a"]),
        Case(name: "a.b", domains: ["x.test"], asked: ["a.b", "a.b.x.test"]),
        Case(name: "a.b.", domains: ["x.test"], asked: ["a.b"]),
        Case(name: "a.b.c", domains: ["x.test"], dots: 5, asked: ["a.b.c.x.test", "a.b.c"]),
        Case(name: "a", domains: ["."], asked: ["a"]),
        Case(name: "a", domains: ["x.test.", "x.test"], asked: ["a.x.test", "a"]),
        Case(name: "a.b", domains: [String(repeating: "x", count: 250)], asked: ["a.b"]),
    ])
    func `What is asked for, in order`(test: Case) {
        #expect(SearchList(domains: test.domains, dots: test.dots).candidates(for: test.name) == test.asked)
    }

    @Test(arguments: [
        ("a", NameKind.ordinary), ("a_b.c-d.", .ordinary), ("localhost", .localhost), ("a.LOCALHOST.", .localhost),
        ("localhost.a", .ordinary), ("a.invalid", .nonexistent), ("x.onion", .nonexistent), ("", .malformed), (".", .malformed),
        ("a..b", .malformed), (".a", .malformed), ("a\\046b", .malformed), ("a b", .malformed), ("ä", .malformed),
        (String(repeating: "a", count: 63), .ordinary), (String(repeating: "a", count: 64), .malformed),
        (String(repeating: "a.", count: 126) + "a", .ordinary), (String(repeating: "a.", count: 127) + "a", .malformed),
    ])
    func `Some names say what they are`(name: String, kind: NameKind) {
        #expect(NameKind(name) == kind)
    }
}
