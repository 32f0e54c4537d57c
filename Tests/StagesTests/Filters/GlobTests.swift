import ConfigurationLanguage
import Testing

@testable import Filters

@Suite struct GlobTests {
    @Test(arguments: [
        ("*.example.com", "www.example.com", true), ("*.example.com", "a.b.example.com", true),
        ("*.example.com", "example.com", false), ("*.example.com", "www.example.com.evil", false),
        ("example.com", "EXAMPLE.com", true), ("example.com", "xexample.com", false), ("*", "", true), ("*", "x", true),
        ("?", "", false), ("?", "x", true), ("a*b*c", "abc", true), ("a*b*c", "aXbYbZc", true), ("a*b*c", "acb", false),
        ("**a", "aaab", false), ("**a", "aaba", true), ("", "", true), ("", "x", false), ("a?c", "abc", true),
        ("[a]", "a", false), ("a.c", "abc", false),
    ])
    func matches(_ pattern: String, _ text: String, _ expected: Bool) {
        #expect(Glob(pattern).matches(text, ignoringCase: true) == expected)
    }

    @Test func caseCountsUnlessToldOtherwise() {
        #expect(!Glob("alice").matches("Alice"))
        #expect(Glob("alice").matches("Alice", ignoringCase: true))
    }

    /// Patterns that make a recursive matcher take exponential time.
    @Test func manyStarsTakeFewSteps() {
        let pattern = Glob(String(repeating: "*a", count: 100) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 5_000)))
    }
}
