import ConfigurationLanguage
import Instruments
import Pipeline

extension StageConformance {
    /// What a stage says of itself is complete and has the form that the reference counts on.
    func checkDescription(_ findings: inout ConformanceFindings) {
        findings.expect(Self.isKebab(Factory.name), "its name, '\(Factory.name)', is not in kebab-case")
        findings.expect(Self.isSentence(Factory.summary), "its summary is not a sentence")
        findings.expect(!Factory.forms.isEmpty, "it has no forms")
        findings.expect(
            Set(Factory.forms.map(\.input)).count == Factory.forms.count, "two of its forms take the same medium")
        let reference = Factory.reference
        findings.expect(!reference.details.isEmpty, "its reference has no details")
        findings.expect(!reference.example.isEmpty, "its reference has no example")
        for note in reference.notes { findings.expect(Self.isSentence(note), "a note is not a sentence: \(note)") }
        for metric in reference.metrics {
            findings.expect(
                Self.isMetricName(metric), "the metric '\(metric.name)' is not named fluidity_<what>_<unit>[_total]")
            findings.expect(Self.isSentence(metric.help), "the metric '\(metric.name)' has no sentence that explains it")
        }
        check(Factory.describeKeys(), path: "", &findings)
    }

    private func check(_ keys: [SchemaDescription], path: String, _ findings: inout ConformanceFindings) {
        findings.expect(Set(keys.map(\.key)).count == keys.count, "a key occurs twice in its schema")
        for key in keys {
            let name = "'\(path)\(key.key)'"
            findings.expect(Self.isKebab(key.key), "the key \(name) is not in kebab-case")
            findings.expect(Self.isSentence(key.documentation), "the key \(name) has no sentence that explains it")
            findings.expect(key.shape != .any, "the key \(name) has a type that doesn't say what it looks like (`shape`)")
            check(key.keys, path: "\(path)\(key.key).", &findings)
        }
    }

    private static func isKebab(_ text: String) -> Bool {
        !text.isEmpty && !text.hasPrefix("-") && !text.hasSuffix("-")
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    private static func isSentence(_ text: String) -> Bool {
        text.count >= 8 && (text.hasSuffix(".") || text.hasSuffix("?") || text.hasSuffix(")"))
    }

    private static func isMetricName(_ metric: MetricDescription) -> Bool {
        metric.name.hasPrefix("fluidity_") && (metric.kind != .counter || metric.name.hasSuffix("_total"))
            && metric.name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
    }
}
