import Logging
import NIOCore
import NIOPosix
import Pipeline

/// Keeps one connection to the server open on one loop.
final class Dialer: OutboundPort {
    private let configuration: ConnectConfiguration
    private let shard: Shard
    private var client: (any OutboundClient)?
    private var connection: Outbound?
    private var retry: Scheduled<Void>?
    private var backoff = Backoff()
    private var isStopped = false
    private var isUp = false
    private var downSince = WallClock.now
    private var reason = "not connected yet"
    private var wasUp = false
    private let up: Gauge
    private let dials: Counter
    private let failures: Counter
    private let losses: Counter
    private let reconnects: Counter

    init(configuration: ConnectConfiguration, shard: Shard) {
        self.configuration = configuration
        self.shard = shard
        let labels = shard.assembling?.labels ?? []
        up = shard.metrics.gauge("fluidity_connect_connections_up", "Connections to the server that are up.", labels)
        dials = shard.metrics.counter("fluidity_connect_dials_total", "Attempts to connect to the server.", labels)
        failures = shard.metrics.counter(
            "fluidity_connect_failures_total", "Attempts that failed, in connecting, TLS or the first frames.", labels)
        losses = shard.metrics.counter(
            "fluidity_connect_losses_total", "Connections that had been up and ended, or were to end.", labels)
        reconnects = shard.metrics.counter(
            "fluidity_connect_reconnects_total", "Connections that came up after one before them had ended.", labels)
    }

    var patience: TimeAmount { TimeAmount(configuration.wait) }

    var status: OutboundStatus {
        isUp ? .up : .down(since: downSince, to: "\(configuration.to)", because: reason)
    }

    func attach(_ client: any OutboundClient) { self.client = client }

    func start() { dial() }

    func stop() -> EventLoopFuture<Void> {
        isStopped = true
        retry?.cancel()
        guard let channel = connection?.channel else { return shard.loop.makeSucceededVoidFuture() }
        channel.close(promise: nil)
        return channel.closeFuture
    }

    private func dial() {
        guard !isStopped else { return }
        dials.add()
        let made = NIOLoopBoundBox<Outbound?>(nil, eventLoop: shard.loop)
        let this = NIOLoopBound(self, eventLoop: shard.loop)
        let host = configuration.to.host
        ClientBootstrap(group: shard.loop)
            .connectTimeout(TimeAmount(configuration.timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(.writeBufferWaterMark, value: .init(low: 64 << 10, high: 192 << 10))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // Several addresses may be tried at once; the last to be made here isn't always the one that connects.
                    let connection = Outbound(channel: channel, host: host)
                    made.value = connection
                    try this.value.client?.configure(connection)
                    this.value.tune(channel)
                }
            }
            .connect(host: host, port: configuration.to.port)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel): self.connected(channel, made.value)
                case .failure(let error): self.failed(made.value, error)
                }
            }
    }

    /// A tunnel that sends as the system would have it is better than none.
    private func tune(_ channel: any Channel) {
        configuration.congestionControl?.apply(to: channel).assumeIsolated().whenFailure { [shard] error in
            shard.logger.warning("\(error)", metadata: ["server": "\(self.configuration.to)"])
        }
    }

    private func connected(_ channel: any Channel, _ connection: Outbound?) {
        guard let connection, connection.channel === channel, !isStopped else {
            channel.close(promise: nil)
            return failed(nil, ChannelError.ioOnClosedChannel)
        }
        self.connection = connection
        connection.onEstablished = { [unowned self] in established() }
        connection.onRetired = { [unowned self, unowned connection] in retired(connection) }
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.closed(connection) }
        client?.ready(connection)
    }

    private func established() {
        isUp = true
        if wasUp { reconnects.add() }
        wasUp = true
        up.value = 1
        backoff.reset()
        shard.logger.notice(
            "tunnel is up",
            metadata: ["server": "\(configuration.to)", "identity": "\(connection?.identity?.description ?? "-")"])
    }

    /// The server takes nothing new on this connection: another is opened while it finishes.
    private func retired(_ connection: Outbound) {
        guard connection === self.connection else { return }
        self.connection = nil
        down(connection.failure)
        redial()
    }

    private func closed(_ connection: Outbound) {
        guard connection === self.connection else { return }
        self.connection = nil
        failed(connection, connection.failure ?? ChannelError.eof)
    }

    private func failed(_ connection: Outbound?, _ error: any Error) {
        guard !isStopped else { return }
        let cause = connection?.failure ?? error
        down(cause)
        client?.lost(connection, because: cause)
        redial()
    }

    private func down(_ error: (any Error)?) {
        let text = error.map(ConnectionErrorText.describe) ?? "the connection was lost"
        if isUp { downSince = WallClock.now }
        if isUp { losses.add() } else { failures.add() }
        up.value = 0
        if isUp || text != reason {
            shard.logger.warning(
                "tunnel is down", metadata: ["server": "\(configuration.to)", "reason": "\(text)"])
        }
        isUp = false
        reason = text
    }

    private func redial() {
        var generator = SystemRandomNumberGenerator()
        retry?.cancel()
        retry = shard.loop.assumeIsolated().scheduleTask(in: backoff.next(using: &generator)) { self.dial() }
    }
}

@available(*, unavailable)
extension Dialer: Sendable {}
