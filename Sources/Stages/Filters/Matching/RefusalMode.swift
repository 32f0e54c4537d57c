public import ConfigurationLanguage
import Instruments

/// Whether a stage that may refuse exchanges does so.
public enum RefusalMode: String, Sendable, CaseIterable, ConfigurationChoice {
    /// What is to be refused ends here.
    case enforce
    /// What would be refused goes on, is counted apart, and has the verdict `would-refuse`.
    case observe
}

extension MetricTable {
    /// The counter of what a stage refuses, or in the mode `observe` of what it would refuse. The other one is there too, at 0.
    func refusals(
        _ refused: MetricDescription, observed: MetricDescription, _ labels: [Label], _ mode: RefusalMode
    ) -> Counter {
        let counters = (counter(refused, labels), counter(observed, labels))
        return mode == .enforce ? counters.0 : counters.1
    }
}
