import Logging
public import Pipeline

/// What every stage promises, checked: run it in a test of each of your stages.
///
///     @Test func conforms() async throws {
///         try await StageConformance(QuotaFactory()).check()
///     }
///
/// It checks how the stage describes itself, that its defaults and its example can be loaded, that wrong keys and values are
/// refused at their places, and, for a stage from exchanges to exchanges, how it behaves: two instances know nothing of each
/// other, what it counts is what it declares, a chunk of a body that it has no interest in costs no allocation, what the one end
/// says of an error reaches the other, and it drains.
public struct StageConformance<Factory: StageFactory>: Sendable {
    let factory: Factory
    let example: String
    let directory: String
    let request: TestRequest

    /// - Parameters:
    ///   - example: Entries of a list to check the stage with, in YAML: the reference's example, if none is given. It has to
    ///     let `request` pass at least once.
    ///   - directory: Where relative paths in the example start from.
    ///   - request: What is sent through the stage.
    public init(
        _ factory: Factory, example: String? = nil, directory: String = "", request: TestRequest = TestRequest()
    ) {
        self.factory = factory
        self.example = example ?? Factory.reference.example
        self.directory = directory
        self.request = request
    }

    /// Throws a `ConformanceFailure` with everything that is wrong.
    public func check() async throws {
        var findings = ConformanceFindings(stage: Factory.name)
        checkDescription(&findings)
        checkConfiguration(&findings)
        let isFilter = Factory.forms.contains { $0.input == .exchange && $0.output == .exchange }
        if isFilter, findings.isEmpty {
            do {
                try await checkBehaviour(&findings)
            } catch {
                findings.add("it can't be run with its example: \(error)")
            }
        }
        try findings.throwIfAny()
    }
}

/// What keeps a stage from conforming: a sentence for each thing.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    public var stage: String
    public var findings: [String]

    public var description: String {
        "'\(stage)' doesn't conform:\n" + findings.map { "  - \($0)" }.joined(separator: "\n")
    }
}

struct ConformanceFindings {
    let stage: String
    private var findings: [String] = []

    init(stage: String) { self.stage = stage }

    var isEmpty: Bool { findings.isEmpty }

    mutating func add(_ finding: String) { findings.append(finding) }

    mutating func expect(_ condition: Bool, _ otherwise: @autoclosure () -> String) {
        if !condition { add(otherwise()) }
    }

    func throwIfAny() throws {
        guard findings.isEmpty else { throw ConformanceFailure(stage: stage, findings: findings) }
    }
}
