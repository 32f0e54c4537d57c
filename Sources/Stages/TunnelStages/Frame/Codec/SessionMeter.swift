import Instruments
import NIOCore
import Pipeline

/// What is counted of the sessions of one loop that speak another codec than `mux`, which counts for itself.
final class SessionMeter {
    private let sessions: Counter
    private let openSessions: Gauge
    private let streams: Counter
    private let openStreams: Gauge
    private let resets: Counter
    /// Of peers that open streams.
    let goodbyes: Counter
    private let book: SessionBook

    init(_ codec: FrameCodec, on shard: Shard) {
        let labels = shard.assembling?.labels ?? []
        let named = labels + [.init("codec", codec.rawValue)]
        sessions = shard.metrics.counter(FrameMetrics.sessions, named)
        openSessions = shard.metrics.gauge(FrameMetrics.sessionsOpen, named)
        streams = shard.metrics.counter(FrameMetrics.streams, named)
        openStreams = shard.metrics.gauge(FrameMetrics.streamsOpen, named)
        resets = shard.metrics.counter(
            FrameMetrics.resets, named + [.init("cause", FrameMetrics.byThePeer)])
        goodbyes = shard.metrics.counter(FrameMetrics.goodbyes, labels)
        book = shard.sessions
    }

    func opened(_ session: any LiveSession) {
        sessions.add()
        openSessions.add(1)
        book.opened(session)
    }

    func closed(_ session: any LiveSession) {
        openSessions.add(-1)
        book.closed(session)
    }

    func streamOpened() {
        streams.add()
        openStreams.add(1)
    }

    func streamsClosed(_ count: Int = 1) { openStreams.add(Int64(-count)) }

    /// Before `streamsClosed`, which is said of it as of others.
    func streamReset() { resets.add() }

    /// A stream that is closed with an open exchange: the peer has ended it, unless it went with its connection.
    func streamClosed(with exchange: Exchange?, on channel: any Channel) {
        if let exchange, !exchange.hasEnded, channel.isActive { streamReset() }
    }
}

@available(*, unavailable)
extension SessionMeter: Sendable {}
