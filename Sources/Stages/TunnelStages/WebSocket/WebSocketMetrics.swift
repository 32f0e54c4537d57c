import Instruments
import Pipeline

extension WebSocketFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let handshakes = MetricDescription(
            .counter, "fluidity_websocket_handshakes_total", "Handshakes of WebSockets, by whether one was opened.",
            labels: ["result"])

        static let all = [handshakes]
    }
}

/// What is counted of the handshakes on one loop.
final class WebSocketMeter {
    let opened: Counter
    let refused: Counter

    init(on shard: Shard) {
        let labels = shard.assembling?.labels ?? []
        func handshakes(_ result: String) -> Counter {
            shard.metrics.counter(WebSocketFactory.Metrics.handshakes, labels + [.init("result", result)])
        }
        opened = handshakes("opened")
        refused = handshakes("refused")
    }
}

@available(*, unavailable)
extension WebSocketMeter: Sendable {}
