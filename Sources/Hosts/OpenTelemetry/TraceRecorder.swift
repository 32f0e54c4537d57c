package import HTTPMessages
package import Instruments
import NIOCore
package import Pipeline
import Synchronization

/// Records exchanges as spans for a collector: continues the trace that a request tells of, or begins one (W3C Trace Context), and keeps what is
/// wanted until it is sent. What waits is bounded.
package final class TraceRecorder: ExchangeTracer {
    /// So many exchanges wait at most; what comes beyond is left out and counted.
    package static let limit = 4_096
    /// So many are sent at once.
    package static let batch = 256

    private struct State {
        var waiting: [RecordedExchange] = []
        var crowded = 0
        var unsent = 0
        var exported = 0
        var failures = 0
    }

    private let begins: Bool
    /// Trace ids whose lower half is below are sent.
    private let threshold: UInt64?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - ratio: Of the traces that begin here, so many are wanted, from 0 to 1; those of errors always are.
    ///   - begins: Whether a request that belongs to no trace begins one.
    package init(ratio: Double, begins: Bool) {
        self.begins = begins
        // 1 stands for all, which no number of 64 bits is above of.
        threshold = ratio >= 1 ? nil : UInt64(max(0, ratio) * 18_446_744_073_709_551_616)
    }

    package func begin(_ request: inout RequestHead) -> ExchangeTrace? {
        let received = TraceContext(in: request.fields)
        guard received != nil || begins else { return nil }
        var context = received ?? fresh()
        context.parent = Self.id()
        request.fields.set("traceparent", context.value)
        // Of another trace, if of any.
        if received == nil { request.fields.remove("tracestate") }
        return ExchangeTrace(for: SpanKeeper(context: context, parent: received?.parent, recorder: self))
    }

    private func fresh() -> TraceContext {
        let low = Self.id()
        return TraceContext(trace: (Self.id(), low), parent: 0, isSampled: threshold.map { low < $0 } ?? true)
    }

    fileprivate static func id() -> UInt64 { .random(in: 1 ... .max) }

    /// Keeps an exchange until it is sent, if there is room.
    fileprivate func record(_ exchange: RecordedExchange) {
        state.withLock { state in
            guard state.waiting.count < Self.limit else {
                state.crowded += 1
                return
            }
            state.waiting.append(exchange)
        }
    }

    // MARK: - For who sends

    /// Takes those that wait longest, a batch at most.
    package func take() -> [RecordedExchange] {
        state.withLock { state in
            let taken = Array(state.waiting.prefix(Self.batch))
            state.waiting.removeFirst(taken.count)
            return taken
        }
    }

    /// The collector has taken so many.
    package func exported(_ count: Int) { state.withLock { $0.exported += count } }
    /// So many are given up.
    package func gaveUp(_ count: Int) { state.withLock { $0.unsent += count } }
    /// An attempt to send something has come to nothing.
    package func failed() { state.withLock { $0.failures += 1 } }

    package var metrics: MetricSnapshot {
        state.withLock {
            .exports(
                exported: $0.exported, crowded: $0.crowded, unsent: $0.unsent, waiting: $0.waiting.count, failures: $0.failures)
        }
    }
}

/// Where an exchange that is open belongs, and where it goes in the end.
private struct SpanKeeper: TraceKeeper {
    let context: TraceContext
    let parent: UInt64?
    let recorder: TraceRecorder

    func isWanted(isError: Bool) -> Bool { context.isSampled || isError }

    func keep(_ trace: ExchangeTrace, of exchange: TracedExchange) {
        var wait: UInt64?
        let parts = trace.parts.map { part in
            let id = TraceRecorder.id()
            if part.kind == .tunnel { wait = id }
            return RecordedExchange.Part(
                id: id, kind: part.kind, began: trace.unixTime(part.began), ended: trace.unixTime(part.ended ?? exchange.ended),
                problem: part.problem, parent: part.kind.isOfTunnel ? wait : nil, place: part.place)
        }
        recorder.record(
            RecordedExchange(
                context: context, parent: parent, exchange: exchange, began: trace.unixTime(trace.began),
                ended: trace.unixTime(exchange.ended), parts: parts))
    }
}
