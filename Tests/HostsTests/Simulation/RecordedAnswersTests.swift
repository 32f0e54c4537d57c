import Foundation
import Testing

@testable import Simulation

/// The model of AWS against what moto answers to the same calls. `Tests/EndToEnd/test_simulate.py` holds the recording against moto itself.
@Suite struct RecordedAnswersTests {
    /// What AWS documents and moto has not.
    private static let undocumentedByMoto: Set<String> = [
        "tasks[].createdAt", "tasks[].startedAt", "tasks[].attachments[].id", "tasks[].attachments[].type",
        "tasks[].attachments[].status", "tasks[].attachments[].details[].name", "tasks[].attachments[].details[].value", "Messages",
    ]

    private struct Recorded {
        var operation: String
        var input: [String: Any]
        var status: Int
        var output: [String: Any]
    }

    private static func recording() throws -> [Recorded] {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/moto.json")
        let calls = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]])
        return try calls.map { call in
            Recorded(
                operation: try #require(call["operation"] as? String), input: try #require(call["input"] as? [String: Any]),
                status: try #require(call["status"] as? Int), output: try #require(call["output"] as? [String: Any]))
        }
    }

    /// Plays the recording to the model and returns its answers.
    private static func replayed() throws -> [(recorded: Recorded, status: Int, output: [String: Any])] {
        var now = Moment(seconds: 1_796_077_620)
        var service = ModelledService(now: now)
        var metrics = ModelledMetrics()
        // The recording's task doesn't belong to the service's count.
        service.want(1, now)
        _ = service.reconcile(now) { ModelledTask.Fate(startTakes: 30) }
        _ = service.started(1, now)
        service.want(0, now)
        let minute = Int(now.seconds)
        let names: [String: Any] = [
            "{service}": ModelledService.arn, "{task}": service.task(1)?.arn ?? "", "{minute}": minute,
            "{minute-600}": minute - 600, "{minute+60}": minute + 60,
        ]
        return try recording().map { call in
            now = now + 0.1
            let body = [UInt8](try JSONSerialization.data(withJSONObject: Self.filled(call.input, names)))
            let answer: WireAnswer
            switch call.operation {
            case "GetMetricData": answer = metrics.answer(body, isPartial: false, now)
            case "PutMetricData":
                metrics.put(try #require(ModelledMetrics.data(body)), visible: now, now)
                answer = .done("{}")
            default: answer = service.answer(call.operation, body, now).answer
            }
            switch answer {
            case .done(let text):
                return (call, 200, try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]))
            case .refused(let status, let name, let message): return (call, status, ["__type": name, "message": message])
            }
        }
    }

    private static func filled(_ value: Any, _ names: [String: Any]) -> Any {
        if let object = value as? [String: Any] { return object.mapValues { filled($0, names) } }
        if let array = value as? [Any] { return array.map { filled($0, names) } }
        return (value as? String).flatMap { names[$0] } ?? value
    }

    /// Every path to a value with the value's type.
    private static func paths(_ value: Any, _ path: String = "") -> Set<String> {
        if let object = value as? [String: Any] {
            return object.reduce(into: []) { $0.formUnion(paths($1.value, path.isEmpty ? $1.key : path + "." + $1.key)) }
        }
        if let array = value as? [Any] { return array.reduce(into: []) { $0.formUnion(paths($1, path + "[]")) } }
        return [path + (value is String ? " text" : " number")]
    }

    @Test func hasTheSameStatesAndErrors() throws {
        for (recorded, status, output) in try Self.replayed() {
            #expect(status == recorded.status, "\(recorded.operation)")
            #expect(output["__type"] as? String == recorded.output["__type"] as? String)
            for (mine, theirs) in [(output, recorded.output)] {
                let mineService = (mine["service"] ?? (mine["services"] as? [Any])?.first) as? [String: Any]
                let theirService = (theirs["service"] ?? (theirs["services"] as? [Any])?.first) as? [String: Any]
                #expect(mineService?["desiredCount"] as? Int == theirService?["desiredCount"] as? Int)
                #expect(mineService?["status"] as? String == theirService?["status"] as? String)
                if recorded.operation == "DescribeServices" {
                    #expect(Self.tags(mineService) == Self.tags(theirService))
                    #expect(Self.reasons(mine) == Self.reasons(theirs))
                }
                #expect(Self.values(mine) == Self.values(theirs))
            }
        }
    }

    @Test func hasNothingInAnotherForm() throws {
        for (recorded, _, output) in try Self.replayed()
        where recorded.operation != "DescribeTasks" || !Self.isEmpty(recorded.output) {
            let known = Self.paths(Self.filled(recorded.output, ["{minute}": 0, "{service}": "", "{task}": ""]))
            for path in Self.paths(output) {
                let name = String(path.split(separator: " ")[0])
                guard !Self.undocumentedByMoto.contains(name) else { continue }
                #expect(known.contains(path), "\(recorded.operation): \(path)")
            }
        }
    }

    private static func isEmpty(_ output: [String: Any]) -> Bool { (output["tasks"] as? [Any])?.isEmpty ?? true }
    private static func reasons(_ output: [String: Any]) -> [String] {
        (output["failures"] as? [[String: Any]] ?? []).compactMap { $0["reason"] as? String }
    }
    private static func tags(_ service: [String: Any]?) -> [String: String] {
        (service?["tags"] as? [[String: String]] ?? []).reduce(into: [:]) { $0[$1["key"] ?? ""] = $1["value"] }
    }
    private static func values(_ output: [String: Any]) -> [[Double]] {
        (output["MetricDataResults"] as? [[String: Any]] ?? []).compactMap { $0["Values"] as? [Double] }
    }
}
