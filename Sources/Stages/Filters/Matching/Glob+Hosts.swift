import ConfigurationLanguage
import Platform

extension [Glob] {
    /// What is said of patterns for hosts that no host can fit: `$HOST`, `a..b`. In a rule that denies, one would deny nothing, in silence.
    func hostProblems(key: String) -> [ConfigurationProblem] {
        filter { !$0.fitsSomeHost }.map {
            .warning(
                "no host can be called '\(ForeignText.line($0.pattern, limit: 60))'", key: key,
                hint: "a pattern is written like *.example.com")
        }
    }
}

extension Glob {
    fileprivate var fitsSomeHost: Bool {
        // What a star stands for may be a part of a name, or of an address; those of IPv6 are left alone.
        pattern.contains(":")
            || ["a", "1", ""].contains { part in
                HostName.problem(of: pattern.replacing("*", with: part).replacing("?", with: part.isEmpty ? "a" : part)) == nil
            } || pattern.allSatisfy { $0 == "*" }
    }
}
