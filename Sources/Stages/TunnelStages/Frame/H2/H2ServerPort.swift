import Instruments
import Logging
import NIOCore
import NIOHTTP2
import NIOSSL
import Pipeline

/// Speaks HTTP/2 with every connection, and hands on the requests that come over it.
final class H2ServerPort: InboundPort {
    private let configuration: H2Configuration
    private let downstream: any ExchangePort
    private let shard: Shard
    private let meter: SessionMeter
    private let date = DateField()

    init(configuration: H2Configuration, downstream: any ExchangePort, shard: Shard) {
        self.configuration = configuration
        self.downstream = downstream
        self.shard = shard
        meter = SessionMeter(.h2, on: shard)
    }

    var protocols: [String] { H2Codec.protocols }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: shard.loop,
            configuration: .init(
                maxIdleTime: nil, maxAge: nil, maxGraceTime: nil,
                keepalive: .init(pingInterval: configuration.pingInterval, ackTimeout: configuration.pingTimeout)))
        let limits = H2PeerLimits()
        let waiting = H2WaitingDataHandler(preface: H2FieldBytesHandler.preface, configuration)
        let make = NIOLoopBound((self, connection, limits, PeerExchangeIDs(connection), waiting), eventLoop: shard.loop)
        let handler = NIOHTTP2Handler(
            mode: .server, eventLoop: shard.loop, connectionConfiguration: configuration.connection(.server),
            streamConfiguration: configuration.stream, streamDelegate: management.http2StreamDelegate
        ) { channel in
            channel.eventLoop.makeCompletedFuture {
                let (port, connection, limits, ids, waiting) = make.value
                let stream = H2ServerStream(
                    connection: connection, downstream: port.downstream, shard: port.shard, meter: port.meter,
                    window: port.configuration.streamWindow, limits: limits, date: port.date, ids: ids, waiting: waiting)
                try channel.pipeline.syncOperations.addHandler(stream)
            }
        }
        try connection.channel.pipeline.syncOperations.addHandlers(
            H2FieldBytesHandler(.server), waiting, handler, H2FarewellHandler(answerTime: configuration.pingTimeout), management,
            H2ServerSession(connection: connection, limits: limits, shard: shard, meter: meter))
    }
}

/// Stands behind HTTP/2 in a connection's pipeline for what concerns all of it.
private final class H2ServerSession: ChannelInboundHandler, TunnelSession {
    typealias InboundIn = HTTP2Frame

    private let connection: Inbound
    private let limits: H2PeerLimits
    private let shard: Shard
    private let meter: SessionMeter
    private var isOpen = false
    /// Whether the log has the client.
    private var isGreeted = false
    private var reason: String?

    init(connection: Inbound, limits: H2PeerLimits, shard: Shard, meter: SessionMeter) {
        self.connection = connection
        self.limits = limits
        self.shard = shard
        self.meter = meter
    }

    var peer: SessionPeer { .agent(connection) }
    var codec: FrameCodec { .h2 }
    var openStreams: Int { connection.openExchanges }

    func channelActive(context: ChannelHandlerContext) {
        isOpen = true
        meter.opened(self)
        // Without a certificate it may be somebody who only looks whether the port is open.
        if connection.identity != nil { greet() }
        context.fireChannelActive()
    }

    private func greet() {
        guard !isGreeted else { return }
        isGreeted = true
        shard.logger.info("HTTP/2 client connected", metadata: metadata)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.admit()
        greet()
        switch unwrapInboundIn(data).payload {
        case .goAway(_, .noError, _):
            meter.goodbyes.add()
            if reason == nil { reason = "it said goodbye" }
        case .settings(.settings(let settings)): limits.take(settings)
        default: break
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isOpen { meter.closed(self) }
        isOpen = false
        if isGreeted {
            shard.logger.info(
                "HTTP/2 client disconnected", metadata: metadata.merging(["reason": "\(reason ?? "closed")"]) { $1 })
        }
        context.fireChannelInactive()
    }

    private var metadata: Logger.Metadata {
        ["remote": "\(connection.remote)", "client": "\(connection.clientName)"]
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        // GOAWAY, then the end when the last stream has ended.
        case is DrainEvent: context.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // HTTP/2 says itself when it is complete; that TLS wasn't told adds nothing.
        if case NIOSSLError.uncleanShutdown = error { return }
        // One stream's error, of which its own handler is told.
        if error is NIOHTTP2Errors.StreamError { return }
        reason = ConnectionFailure.words(for: error)
        context.closeHTTP2AfterWrites()
    }
}
