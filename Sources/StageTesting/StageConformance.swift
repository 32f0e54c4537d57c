import Instruments
import Logging
public import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What every stage promises, checked: run it in a test of each of your stages.
///
///     @Test func conforms() async throws {
///         try await StageConformance(QuotaFactory()).check()
///     }
///
/// It checks how the stage describes itself, that its defaults and its example can be loaded, that wrong keys and values are
/// refused at their places, and how it behaves in each of its forms: two instances know nothing of each other, what it counts is
/// what it declares, it drains and stops. Beyond that,
///
/// - a filter: a chunk of a body that it has no interest in costs no allocation, and what the one end says of an error reaches
///   the other;
/// - what takes exchanges and isn't a filter: every exchange gets an answer or a reason, and one whose client goes away ends;
/// - what takes connections: one whose peer is done ends, and so does an idle one that is to drain;
/// - what takes outgoing connections: whoever uses them is told why there is none.
public struct StageConformance<Factory: StageFactory>: Sendable {
    let factory: Factory
    let example: String
    var directory: String
    private let files: [(name: String, text: String)]
    let request: TestRequest
    let others: StageRegistry
    /// How long what has to come may take.
    package var patience = Duration.seconds(60)

    /// - Parameters:
    ///   - example: Entries of a list to check the stage with, in YAML: the reference's example, if none is given. A filter has
    ///     to let `request` pass at least once. What listens has to take a free port, `127.0.0.1:0`; what dials has to find
    ///     nobody, at `127.0.0.1:1` say: two instances run beside each other, and nobody else is to be bothered.
    ///   - directory: Where relative paths in the example start from; the working directory, if none is given.
    ///   - files: Files that the example names, with their texts. They are made in a folder of their own, from which relative paths then
    ///     start.
    ///   - request: What is sent through the stage.
    ///   - others: Stages that the example has in lists of the stage's own.
    public init(
        _ factory: Factory, example: String? = nil, directory: String = "", files: KeyValuePairs<String, String> = [:],
        request: TestRequest = TestRequest(), others: StageRegistry = StageRegistry()
    ) {
        self.others = others
        self.factory = factory
        self.example = example ?? Factory.reference.example
        self.directory = directory
        self.files = files.map { ($0.key, $0.value) }
        self.request = request
    }

    /// Throws a `ConformanceFailure` with everything that is wrong.
    public func check() async throws {
        guard !files.isEmpty else { return try await checkInPlace() }
        let folder = FileManager.default.temporaryDirectory.appending(path: "conformance-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for file in files {
            try Data(file.text.utf8).write(to: folder.appending(path: file.name))
        }
        var inFolder = self
        inFolder.directory = folder.path
        try await inFolder.checkInPlace()
    }

    private func checkInPlace() async throws {
        var findings = ConformanceFindings(stage: Factory.name)
        checkDescription(&findings)
        checkConfiguration(&findings)
        if findings.isEmpty {
            do {
                var counted: [MetricDescription] = []
                for form in Factory.forms {
                    let isFilter = form == StageForm(.exchange, .exchange)
                    counted += try await isFilter ? checkBehaviour(&findings) : checkEnds(form, &findings)
                }
                checkMetrics(counted, &findings)
            } catch {
                findings.add(
                    "it can't be run with its example, whose relative paths start from '\(directory.isEmpty ? "." : directory)' "
                        + "('directory', 'files'): \(error)")
            }
        }
        try findings.throwIfAny()
    }
}

/// What keeps a stage from conforming: a sentence for each thing.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// The stage's name in a list.
    public var stage: String
    /// What is wrong, a sentence for each, in the order of the checks.
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
