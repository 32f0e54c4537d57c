import ConfigurationLanguage
import Platform

extension [Glob] {
    /// What is said of patterns for hosts that no host can fit: `$HOST`, `a..b`. In a rule that denies, one would deny nothing, in silence.
    func hostProblems(key: String) -> [ConfigurationProblem] {
        filter { !$0.fitsSomeHost }.map {
            .warning(
                "no host can be called '\(ForeignText.line($0.pattern, limit: 60))'", key: key,
                hint: $0.pattern.split(separator: ":").count == 2 && !$0.pattern.contains("/")
                    ? "a pattern has no port: that is for 'ports'" : "a pattern is written like *.example.com")
        }
    }
}

extension Glob {
    fileprivate var fitsSomeHost: Bool {
        // What a star stands for may be a part of a name, or of an address; those of IPv6 are left alone.
        pattern.contains(":") && pattern.utf8.allSatisfy { "0123456789abcdefABCDEF:.*?[]%".utf8.contains($0) }
            || ["a", "1", ""].contains { part in
                HostName.problem(of: pattern.replacing("*", with: part).replacing("?", with: part.isEmpty ? "a" : part)) == nil
            } || pattern.allSatisfy { $0 == "*" }
    }
}
