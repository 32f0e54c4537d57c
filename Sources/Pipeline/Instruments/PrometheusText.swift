/// A snapshot in Prometheus' text format, version 0.0.4.
public enum PrometheusText {
    /// The value of `Content-Type` that goes with the text.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The text that `/metrics` answers with.
    public static func write(_ snapshot: MetricSnapshot) -> String {
        // All series of a name stand together, behind what is said of the name.
        var order: [String] = []
        var groups: [String: [MetricSnapshot.Series]] = [:]
        for series in snapshot.series {
            if groups[series.key.name] == nil { order.append(series.key.name) }
            groups[series.key.name, default: []].append(series)
        }
        var text = ""
        for name in order {
            guard let group = groups[name], let first = group.first else { continue }
            text += "# HELP \(name) \(escaped(first.help, quotes: false))\n# TYPE \(name) \(type(of: first.value))\n"
            for series in group { write(series, into: &text) }
        }
        return text
    }

    private static func write(_ series: MetricSnapshot.Series, into text: inout String) {
        let name = series.key.name
        let labels = series.key.labels
        switch series.value {
        case .counter(let value), .gauge(let value):
            line(name, labels, number(value), into: &text)
        case .histogram(let bounds, let counts, let sum):
            var below: Int64 = 0
            for (bound, count) in zip(bounds, counts) {
                below += count
                line(name + "_bucket", labels + [.init("le", number(bound))], "\(below)", into: &text)
            }
            let all = counts.reduce(0, +)
            line(name + "_bucket", labels + [.init("le", "+Inf")], "\(all)", into: &text)
            line(name + "_sum", labels, number(sum), into: &text)
            line(name + "_count", labels, "\(all)", into: &text)
        }
    }

    private static func line(_ name: String, _ labels: [MetricTable.Label], _ value: String, into text: inout String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                if index > 0 { text += "," }
                text += "\(label.name)=\"\(escaped(label.value, quotes: true))\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    private static func type(of value: MetricSnapshot.Value) -> String {
        switch value {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Whole numbers without a fraction, as far as a Double has them exactly.
        return value == value.rounded() && abs(value) < 9_007_199_254_740_992 ? "\(Int64(value))" : "\(value)"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
