import ConfigurationLanguage

/// What `fluidity doctor` found at one step of the way.
struct Finding: Sendable, Equatable {
    /// The steps, in the order in which a connection takes them.
    enum Step: String, Sendable, CaseIterable {
        case configuration, clock, certificates, environment, control, names, tcp, proxy, tls, hello, path, idle, throughput
    }

    enum State: String, Sendable {
        case good, warning, problem
        /// It couldn't be looked at.
        case skipped
    }

    var step: Step
    var state: State
    /// Sentences' ends, without a full stop.
    var text: String
    /// How long it took, where that says something.
    var time: Duration?
    /// The way that it is about, where there are several.
    var way: String?

    init(_ step: Step, _ state: State, _ text: String, in time: Duration? = nil, on way: String? = nil) {
        self.step = step
        self.state = state
        self.text = text
        self.time = time
        self.way = way
    }

    /// A line for people.
    var line: String {
        let mark =
            switch state {
            case .good: "ok      "
            case .warning: "warning "
            case .problem: "PROBLEM "
            case .skipped: "-       "
            }
        let took = time.map { " (\($0.rounded))" } ?? ""
        let name = step.rawValue + String(repeating: " ", count: max(0, 14 - step.rawValue.count))
        return mark + name + (way.map { "[\($0)] " } ?? "") + text + took
    }

    var json: JSON {
        .members([
            "step": .text(step.rawValue), "state": .text(state.rawValue), "way": way.map(JSON.text), "text": .text(text),
            "milliseconds": time.map { .number("\((($0 / .milliseconds(1)) * 10).rounded() / 10)") },
        ])
    }
}

extension Duration {
    /// For people: three digits or so.
    var rounded: String {
        let milliseconds = self / .milliseconds(1)
        if milliseconds >= 10_000 { return "\(Int(milliseconds / 1_000)) s" }
        if milliseconds >= 100 { return "\(Int(milliseconds)) ms" }
        return "\((milliseconds * 10).rounded() / 10) ms"
    }
}

/// All of it.
struct DoctorReport: Sendable {
    var file: String
    var findings: [Finding] = []
    /// Whether requests get through, as far as could be seen.
    var works = false
    /// The last word: sentences.
    var verdict = ""
    /// A configuration that works where the file's doesn't.
    var better: String?

    var json: JSON {
        .members([
            "file": .text(file), "works": .boolean(works), "verdict": .text(verdict),
            "findings": .array(findings.map(\.json)), "configuration": better.map(JSON.text),
        ])
    }
}
