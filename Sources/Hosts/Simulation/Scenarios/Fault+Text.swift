import ConfigurationLanguage

extension Fault {
    /// Why a text names no fault, as a sentence's end.
    package struct Problem: Error, Sendable, Equatable {
        /// What is wrong with it.
        package var message: String
    }

    /// Every fault that can be named, with its value's form and what it does.
    package static let names: [(name: String, value: String?, what: String)] = [
        ("late-reports", "time", "CloudWatch gives reports so much later"),
        ("lost-reports", "share", "reports are lost, 0.1 for one in ten"),
        ("no-reports", nil, "the server mayn't report"),
        ("partial-metrics", nil, "CloudWatch has half of what there is, and says so"),
        ("server-clock", "time", "the server's clock is off, -280s for behind"),
        ("function-clock", "time", "the functions' clock is off"),
        ("woken-ahead", "time", "the tag of the last wake is in the future"),
        ("two-tasks", nil, "the service wants two tasks whenever it wants one"),
        ("restarts", "time", "tasks are stopped by hand after so long"),
        ("crash-loop", "time", "the server dies so long after each start"),
        ("broken-image", nil, "tasks never run"),
        ("denied", "operation", "AWS denies an operation, or 'all'"),
        ("throttled", "share", "AWS throttles calls"),
        ("failing", "operation", "an operation fails with status 500, or 'all' do"),
        ("twice", "share", "functions on a schedule run twice"),
        ("late", "time", "functions on a schedule run up to so much later"),
        ("agent-restarts", "time", "each agent ends and starts again after so long"),
        ("protection-ignored", nil, "scaling in doesn't ask whether a task is protected"),
        ("protection-unavailable", nil, "a task can't have itself protected"),
    ]

    /// Reads `name`, `name=value` or `name=value@2h-5h`: the times are since the beginning.
    package init(_ text: String) throws(Problem) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let named = parts[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let (name, value) = (named[0], named.count > 1 ? named[1] : nil)
        guard let known = Self.names.first(where: { $0.name == name }) else {
            throw Problem(message: "there is no fault '\(name)': \(Self.names.map(\.name).joined(separator: ", "))")
        }
        if known.value == nil, value != nil { throw Problem(message: "'\(name)' has no value") }
        if let form = known.value, value?.isEmpty ?? true {
            let example = form == "time" ? "4m" : form == "share" ? "0.1" : "DescribeServices"
            throw Problem(message: "'\(name)' needs a value, its \(form): \(name)=\(example)")
        }
        kind = try Self.kind(name, value ?? "")
        (from, until) = (0, .infinity)
        guard parts.count > 1 else { return }
        let times = parts[1].split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard times.count == 2 else { throw Problem(message: "the times of '\(text)' are to be two, as in \(parts[0])@2h-5h") }
        from = try Self.seconds(times[0])
        until = try Self.seconds(times[1])
        guard from < until else { throw Problem(message: "'\(text)' ends before it begins") }
    }

    private static func kind(_ name: String, _ value: String) throws(Problem) -> Kind {
        switch name {
        case "late-reports": .lateReports(try seconds(value))
        case "lost-reports": .lostReports(try share(value))
        case "no-reports": .noReports
        case "partial-metrics": .partialMetrics
        case "server-clock": .serverClock(try signed(value))
        case "function-clock": .functionClock(try signed(value))
        case "woken-ahead": .wokenAhead(try seconds(value))
        case "two-tasks": .twoTasks
        case "restarts": .restarts(try positive(value))
        case "crash-loop": .crashLoop(try positive(value))
        case "broken-image": .brokenImage
        case "denied": .denied(value == "all" ? nil : value)
        case "throttled": .throttled(nil, try share(value))
        case "failing": .failing(value == "all" ? nil : value, 1)
        case "twice": .twice(try share(value))
        case "late": .late(try seconds(value))
        case "agent-restarts": .agentRestarts(try positive(value))
        case "protection-ignored": .protectionIgnored
        default: .protectionUnavailable
        }
    }

    private static func seconds(_ text: String) throws(Problem) -> Double {
        do throws(InvalidValue) { return try Duration(configured: text) / .seconds(1) } catch {
            throw Problem(message: "'\(text)' is no time such as 90s, 4m or 2h")
        }
    }

    private static func signed(_ text: String) throws(Problem) -> Double {
        text.hasPrefix("-") ? -(try seconds(String(text.dropFirst()))) : try seconds(text)
    }

    private static func positive(_ text: String) throws(Problem) -> Double {
        let seconds = try seconds(text)
        guard seconds >= 1 else { throw Problem(message: "'\(text)' is shorter than a second") }
        return seconds
    }

    private static func share(_ text: String) throws(Problem) -> Double {
        guard let share = Double(text), (0...1).contains(share) else {
            throw Problem(message: "'\(text)' is no share from 0 to 1")
        }
        return share
    }
}
