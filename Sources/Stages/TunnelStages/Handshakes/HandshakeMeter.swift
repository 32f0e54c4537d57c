import Instruments
import Pipeline

/// What a stage of TLS calls what it counts.
struct HandshakeMetrics: Sendable {
    /// Its handshakes, by their result.
    var handshakes: MetricDescription
    /// The end of its certificate.
    var expiry: MetricDescription
}

/// What is counted of TLS on one loop.
final class HandshakeMeter {
    let verified: Counter
    let refused: Counter

    init(on shard: Shard, _ identity: TLSIdentity, _ metrics: HandshakeMetrics) {
        let labels = shard.assembling?.labels ?? []
        verified = shard.metrics.counter(metrics.handshakes, labels + [.init("result", "verified")])
        refused = shard.metrics.counter(metrics.handshakes, labels + [.init("result", "refused")])
        guard identity.notAfter != nil else { return }
        let expiry = shard.metrics.gauge(metrics.expiry, labels, merging: .largest)
        shard.metrics.beforeReading { expiry.value = Int64(identity.notAfter ?? 0) }
    }
}

@available(*, unavailable)
extension HandshakeMeter: Sendable {}
