import HTTPMessages
import Logging
import NIOCore
import NIOHTTP2
import NIOSSL
import Pipeline

/// Stands behind HTTP/2 in an outgoing connection's pipeline: knows what the server allows, and whether it is still there.
final class H2ClientSession: ChannelInboundHandler, Expiring, TunnelSession {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// How long a connection that was opened because another one was full is kept when nobody uses it.
    private static let spareTime = TimeAmount.seconds(30)

    let connection: Outbound
    var sweepIndex: Int?
    /// When the server is to be asked whether it is there, or given up.
    private var pingDeadline: NIODeadline?
    /// When a connection that isn't used is given back.
    private var spareDeadline: NIODeadline?

    private let handler: NIOHTTP2Handler
    /// Where streams say whether they are read.
    let waiting: H2WaitingDataHandler
    private let configuration: H2Configuration
    private let shard: Shard
    let meter: SessionMeter
    private weak var port: H2ClientPort?
    private var context: ChannelHandlerContext?
    private(set) var openStreams = 0
    private var streamLimit: Int
    private var isEstablished = false
    private var isClosed = false
    private var isGoingAway = false
    private var isPinging = false
    /// The last stream that the server has begun, once it has said so in going away.
    private var lastBegun: HTTP2StreamID?
    /// What heads the server takes.
    let limits = H2PeerLimits()
    /// The server takes WebSockets (RFC 8441).
    private(set) var takesWebSockets = false
    /// The server is one of ours and wants to know which client's connection a request belongs to.
    private(set) var takesClientNames = false
    /// The server is told the ids of exchanges, and says why it answers itself.
    private(set) var correlates = false

    init(
        connection: Outbound, handler: NIOHTTP2Handler, waiting: H2WaitingDataHandler, configuration: H2Configuration,
        shard: Shard, meter: SessionMeter, port: H2ClientPort
    ) {
        self.connection = connection
        self.handler = handler
        self.waiting = waiting
        self.configuration = configuration
        self.shard = shard
        self.meter = meter
        self.port = port
        self.streamLimit = configuration.maxStreams
    }

    var peer: SessionPeer { .server(connection) }
    var codec: FrameCodec { .h2 }

    // MARK: - Streams

    var canOpen: Bool { isEstablished && !isLeaving && openStreams < streamLimit }

    /// Whether no stream can be opened any more.
    var isLeaving: Bool { isGoingAway || isClosed }

    /// Whether the server says that it hasn't begun with a stream (RFC 9113, 6.8).
    func hasLeftOut(_ stream: HTTP2StreamID) -> Bool { lastBegun.map { stream > $0 } ?? false }

    /// - Parameter queue: Where the exchange goes if the server hasn't begun it.
    func open(_ exchange: Exchange, from queue: TunnelQueue) {
        openStreams += 1
        spareDeadline = nil
        meter.streamOpened()
        let made = NIOLoopBound((self, exchange, queue), eventLoop: shard.loop)
        let window = configuration.streamWindow
        do {
            let opened = try handler.syncMultiplexer().createStreamChannel { channel in
                channel.eventLoop.makeCompletedFuture {
                    let (session, exchange, queue) = made.value
                    let stream = H2ClientStream(session: session, exchange: exchange, queue: queue, window: window)
                    try channel.pipeline.syncOperations.addHandler(stream)
                }
            }
            opened.assumeIsolated().whenComplete { result in
                switch result {
                case .success(let channel):
                    channel.closeFuture.assumeIsolated().whenComplete { _ in self.streamEnded() }
                case .failure(let error):
                    self.failed(exchange, queue, .connectionFailed(to: self.connection.host, error))
                }
            }
        } catch {
            failed(exchange, queue, .connectionLost(to: connection.host))
        }
    }

    /// There was no stream to be had, which is so when the connection has ended.
    private func failed(_ exchange: Exchange, _ queue: TunnelQueue, _ failure: Failure) {
        isGoingAway = true
        queue.takeBack(exchange, UnbegunRequest(), because: failure, isLeaving: true)
        streamEnded()
    }

    private func streamEnded() {
        openStreams -= 1
        if openStreams == 0, connection.isExtra { spareDeadline = .now() + Self.spareTime }
        meter.streamsClosed()
        if isGoingAway { closeIfDone() } else { port?.streamEnded() }
    }

    private func closeIfDone() {
        if openStreams == 0 { context?.closeHTTP2AfterWrites() }
    }

    // MARK: - Connection

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        shard.deadlines.remove(self)
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        // A server that isn't HTTP/2 may say nothing at all.
        pingDeadline = .now() + configuration.pingTimeout
        shard.deadlines.add(self)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isEstablished, !isClosed { meter.closed(self) }
        isClosed = true
        shard.deadlines.remove(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data).payload {
        case .settings(.settings(let settings)): received(settings)
        case .ping(_, ack: true): alive()
        case .goAway(let last, let code, _):
            // What a server says in error needn't be its last word about streams: what it was sent may be what it stumbled over.
            if code == .noError { lastBegun = min(last, lastBegun ?? last) }
            let failure = Failure(
                .draining, code == .noError ? "the server is going away" : "the server ended HTTP/2 (\(code.networkCode))")
            isGoingAway = true
            port?.goingAway(self, failure)
            closeIfDone()
        default: break
        }
    }

    private func received(_ settings: HTTP2Settings) {
        limits.take(settings)
        for setting in settings {
            switch setting.parameter {
            case .maxConcurrentStreams: streamLimit = min(configuration.maxStreams, setting.value)
            case .enableConnectProtocol: takesWebSockets = setting.value == 1
            case .takesClientNames: takesClientNames = setting.value == 1
            case .correlates: correlates = setting.value == 1
            default: break
            }
        }
        alive()
        guard !isEstablished else { return }
        isEstablished = true
        if connection.isExtra { spareDeadline = .now() + Self.spareTime }
        meter.opened(self)
        port?.established(self)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent: leave(context)
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Takes nothing new, and closes the connection when what is open has ended.
    private func leave(_ context: ChannelHandlerContext) {
        guard !isGoingAway else { return }
        // Servers open no streams, so the last that is known is none.
        let goodbye = HTTP2Frame(
            streamID: .rootStream, payload: .goAway(lastStreamID: .rootStream, errorCode: .noError, opaqueData: nil))
        context.writeAndFlush(wrapOutboundOut(goodbye), promise: nil)
        isGoingAway = true
        port?.leaving(self)
        closeIfDone()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // HTTP/2 says itself when it is complete; that TLS wasn't told adds nothing.
        if case NIOSSLError.uncleanShutdown = error { return }
        if error is NIOHTTP2Errors.StreamError { return }
        if connection.failure == nil {
            let what = error is NIOHTTP2Errors.BadClientMagic || !isEstablished ? "the server speaks no HTTP/2" : "HTTP/2 failed"
            connection.failure = StageError(.unavailable, "\(what): \(ConnectionFailure.words(for: error))")
        }
        context.closeHTTP2AfterWrites()
    }

    // MARK: - Whether the server is there

    private func alive() {
        isPinging = false
        pingDeadline = .now() + configuration.pingInterval
    }

    var deadline: NIODeadline? {
        guard let spareDeadline else { return pingDeadline }
        return min(spareDeadline, pingDeadline ?? spareDeadline)
    }

    func expire(now: NIODeadline) {
        guard let context else { return }
        if let spareDeadline, spareDeadline <= now {
            self.spareDeadline = nil
            leave(context)
        }
        guard let pingDeadline, pingDeadline <= now else { return }
        guard isEstablished, !isPinging else {
            self.pingDeadline = nil
            connection.failure =
                connection.failure
                ?? StageError(.unavailable, isEstablished ? "the server doesn't answer" : "the server says nothing in HTTP/2")
            return context.channel.closeTransport()
        }
        isPinging = true
        self.pingDeadline = now + configuration.pingTimeout
        let ping = HTTP2Frame(streamID: .rootStream, payload: .ping(HTTP2PingData(withInteger: 0x666C_7569_6469_7479), ack: false))
        context.writeAndFlush(wrapOutboundOut(ping), promise: nil)
    }
}

@available(*, unavailable)
extension H2ClientSession: Sendable {}
