import ArgumentParser
import Pipeline

struct StagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages",
        abstract: "List the stages, with what each takes and yields.",
        discussion: """
            EXAMPLES
              fluidity stages
              fluidity stages fetch
            """)

    @Argument(help: "Show this stage's keys.")
    var name: String?

    func run() throws {
        guard let name else {
            let factories = FluidityCommandLine.stages.factories
            let width = factories.map { type(of: $0).name.count }.max() ?? 0
            for factory in factories {
                print(Self.line(factory, width))
            }
            return
        }
        guard let factory = FluidityCommandLine.stages.factory(named: name) else {
            throw ValidationError("there is no stage '\(name)'; 'fluidity stages' lists them")
        }
        print(Self.line(factory, name.count))
        for key in type(of: factory).describeKeys() { print(Self.entry(key)) }
    }

    private static func line(_ factory: any StageFactory, _ width: Int) -> String {
        let factory = type(of: factory)
        let forms = factory.forms.map { "\($0.input.shown) -> \($0.output.shown)" }.joined(separator: ", ")
        let padding = String(repeating: " ", count: max(0, width - factory.name.count))
        return "\(factory.name)\(padding)  \(forms)\n\(String(repeating: " ", count: width))  \(factory.summary)"
    }

    private static func entry(_ key: SchemaDescription) -> String {
        var line = "\n  \(key.key): \(key.type)"
        if key.isRequired {
            line += ", required"
        } else if let value = key.defaultValue {
            line += ", default \(value)"
        }
        if let range = key.range { line += ", \(range)" }
        return line + "\n      \(key.documentation)"
    }
}

extension MediumKind {
    fileprivate var shown: String {
        switch self {
        case .start: "(start)"
        case .inbound: "Inbound"
        case .exchange: "Exchange"
        case .outbound: "Outbound"
        case .end: "(end)"
        }
    }
}
