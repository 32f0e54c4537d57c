import ConfigurationLanguage

/// Checks that the stages of a list fit together and can run in their host, and picks each stage's form.
///
/// What flows after an entry is a set of media: usually of one, of several after a stage that is unknown or doesn't fit, so
/// that one mistake gives one error.
struct StageListCheck {
    struct Item {
        var name: String
        var origin: ConfigurationNode.Origin
        /// Nil for a stage that the registry doesn't know.
        var factory: (any StageFactory.Type)?
    }

    private let registry: StageRegistry
    private let files: SourceFiles
    private(set) var forms: [StageForm?] = []
    private(set) var findings: [ConfigurationFinding] = []
    private let input: MediumKind
    private let output: MediumKind

    /// - Parameters:
    ///   - host: Nil where it isn't known.
    ///   - input: What the list is to take: nothing for a whole pipeline, exchanges for a branch.
    ///   - output: What it is to yield.
    init(
        _ items: [Item], registry: StageRegistry, files: SourceFiles, host: HostKind?, from input: MediumKind = .start,
        to output: MediumKind = .end
    ) {
        self.registry = registry
        self.files = files
        self.input = input
        self.output = output
        check(items)
        if let host { for item in items { checkNeeds(of: item, host: host) } }
    }

    private mutating func check(_ items: [Item]) {
        var flowing: Set<MediumKind> = [input]
        for (index, item) in items.enumerated() {
            guard let factory = item.factory else {
                forms.append(nil)
                flowing = index == items.count - 1 ? [output] : [.inbound, .exchange, .outbound]
                continue
            }
            let fitting = factory.forms.filter { flowing.contains($0.input) }
            forms.append(fitting.first)
            if fitting.isEmpty {
                let previous = index == 0 ? nil : items[index - 1]
                reportMisfit(item, factory, after: previous, yielding: flowing)
            }
            // After a sink that was followed by something, whatever comes last is not one mistake more.
            let isPastEnd = fitting.isEmpty && flowing.contains(.end)
            flowing = Set((fitting.isEmpty ? factory.forms : fitting).map(\.output)).union(isPastEnd ? [output] : [])
        }
        if let last = items.last, !flowing.contains(output) { reportOpenEnd(last, yielding: flowing) }
    }

    private mutating func reportMisfit(
        _ item: Item, _ factory: any StageFactory.Type, after previous: Item?, yielding: Set<MediumKind>
    ) {
        let takes = Set(factory.forms.map(\.input))
        guard let previous else {
            guard input == .start else {
                return report(
                    takes == [.start]
                        ? "'\(item.name)' is a source, but a branch begins with \(input.plural)"
                        : "'\(item.name)' takes \(Self.list(takes)), but a branch begins with \(input.plural)", at: item,
                    hint: Self.hint(
                        "what takes \(input.plural)", names { $0.input == input && $0.output != $0.input }))
            }
            let sources = names { $0.input == .start }
            return report(
                "a list begins with a source, but '\(item.name)' takes \(Self.list(takes))", at: item,
                hint: sources.isEmpty ? nil : "sources are \(sources.joined(separator: ", "))"
            )
        }
        if takes == [.start] {
            return report(
                "'\(item.name)' is a source, so it can't come after '\(previous.name)'\(place(of: previous, from: item))", at: item,
                hint: "a list has one source, at its beginning"
            )
        }
        if yielding.contains(.end) {
            return report(
                "'\(item.name)' can't come after '\(previous.name)'\(place(of: previous, from: item)), which ends the list",
                at: item
            )
        }
        var message = "'\(item.name)' takes \(Self.list(takes)), but '\(previous.name)'\(place(of: previous, from: item))"
        message += " yields \(Self.list(yielding))"
        let between = names { yielding.contains($0.input) && takes.contains($0.output) && $0.input != $0.output }
        if !between.isEmpty { message += "; put \(Self.choice(between)) between them" }
        let hint = between.isEmpty ? "no single stage makes \(Self.list(takes)) of \(Self.list(yielding))" : nil
        report(message, at: item, hint: hint)
    }

    private mutating func reportOpenEnd(_ last: Item, yielding: Set<MediumKind>) {
        guard output == .end else {
            let between = names { yielding.contains($0.input) && $0.output == output && $0.input != output }
            let message =
                yielding == [.end]
                ? "a way in ends with \(output.plural), but '\(last.name)' takes them and yields nothing"
                : "a way in ends with \(output.plural), but '\(last.name)' yields \(Self.list(yielding))"
            return report(message, at: last, hint: Self.hint("what yields \(output.plural) of them", between))
        }
        let sinks = names { yielding.contains($0.input) && $0.output == .end }
        report(
            "a list ends with a sink, but '\(last.name)' yields \(Self.list(yielding))", at: last,
            hint: sinks.isEmpty ? nil : "sinks that take \(Self.list(yielding)): \(sinks.joined(separator: ", "))"
        )
    }

    private mutating func checkNeeds(of item: Item, host: HostKind) {
        guard let needs = item.factory?.needs, !host.offers.isSuperset(of: needs) else { return }
        let reason =
            switch needs.subtracting(host.offers) {
            case let missing where missing.contains(.listening): "it listens for connections"
            case let missing where missing.contains(.lambdaRuntime): "it speaks the Lambda Runtime API"
            default: "it works between exchanges"
            }
        let able = HostKind.allCases.filter { $0.offers.isSuperset(of: needs) }.map(\.rawValue)
        report(
            "'\(item.name)' can't run in the host '\(host.rawValue)': \(reason)", at: item,
            hint: able.isEmpty ? nil : "it runs in: \(able.joined(separator: ", "))"
        )
    }

    /// The registered stages that have a form, in the registry's order.
    private func names(where matches: (StageForm) -> Bool) -> [String] {
        registry.factories.map { type(of: $0) }.filter { $0.forms.contains(where: matches) }.map { $0.name }
    }

    private mutating func report(_ message: String, at item: Item, hint: String? = nil) {
        findings.append(.init(message: message, hint: hint, origin: item.origin, severity: .error))
    }

    private static func hint(_ what: String, _ names: [String]) -> String? {
        names.isEmpty ? nil : "\(what): \(names.joined(separator: ", "))"
    }

    private func place(of item: Item, from other: Item) -> String {
        files.place(item.origin, from: other.origin).map { " (\($0))" } ?? ""
    }

    private static func list(_ media: Set<MediumKind>) -> String {
        MediumKind.allCases.filter(media.contains).map(\.plural).joined(separator: " or ")
    }

    private static func choice(_ names: [String]) -> String {
        let quoted = names.prefix(3).map { "'\($0)'" }
        guard quoted.count > 2 else { return quoted.joined(separator: " or ") }
        return quoted.dropLast().joined(separator: ", ") + " or " + (quoted.last ?? "")
    }
}
