import Instruments
import Pipeline

extension EnrolFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let enrolments = MetricDescription(
            .counter, "fluidity_enrol_requests_total", "Requests for a certificate, by how they ended.", labels: ["result"])

        static let all = [enrolments]
    }
}

/// What is counted on one loop.
final class EnrolMeter {
    private let results: [Enroller.Result: Counter]

    init(on shard: Shard) {
        let labels = shard.assembling?.labels ?? []
        results = Dictionary(
            uniqueKeysWithValues: Enroller.Result.allCases.map { result in
                (result, shard.metrics.counter(EnrolFactory.Metrics.enrolments, labels + [.init("result", result.rawValue)]))
            })
    }

    func ended(_ result: Enroller.Result) { results[result]?.add() }
}

@available(*, unavailable)
extension EnrolMeter: Sendable {}
