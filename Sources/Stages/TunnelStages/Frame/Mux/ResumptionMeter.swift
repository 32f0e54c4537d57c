import Instruments
import NIOCore

/// What is counted of sessions that lose their connections, on one loop.
final class ResumptionMeter {
    /// Bounds for times without a connection, in nanoseconds.
    private static let bounds: [Int64] = [
        10_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
        30_000_000_000, 60_000_000_000, 90_000_000_000,
    ]

    private let losses: Counter
    private let resumptions: Counter
    private let expiries: Counter
    private let repeated: Counter
    private let times: Histogram
    private let refusals: [MuxAttachRefusal: Counter]
    /// Of sessions that can't be resumed for want of memory.
    let unresumable: Counter

    init(_ table: MetricTable, _ labels: [MetricTable.Label]) {
        losses = table.counter(FrameMetrics.detached, labels)
        resumptions = table.counter(FrameMetrics.resumed, labels)
        expiries = table.counter(FrameMetrics.outlasted, labels)
        repeated = table.counter(FrameMetrics.repeated, labels)
        unresumable = table.counter(FrameMetrics.unresumable, labels)
        times = table.histogram(FrameMetrics.detachedTime, labels, bounds: Self.bounds, scale: 1e-9)
        refusals = Dictionary(
            uniqueKeysWithValues: MuxAttachRefusal.allCases.map {
                ($0, table.counter(FrameMetrics.attachRefused, labels + [.init("reason", $0.word)]))
            })
    }

    func lost() { losses.add() }
    func refused(_ refusal: MuxAttachRefusal) { refusals[refusal]?.add() }

    func resumed(_ silence: TimeAmount, _ bytes: Int) {
        resumptions.add()
        repeated.add(Int64(bytes))
        times.record(silence.nanoseconds)
    }

    func gaveUp(_ silence: TimeAmount) {
        expiries.add()
        times.record(silence.nanoseconds)
    }
}

@available(*, unavailable)
extension ResumptionMeter: Sendable {}
