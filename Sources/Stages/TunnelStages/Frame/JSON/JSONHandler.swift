import HTTPMessages
import Logging
import NIOCore
import NIOSSL
import Pipeline

/// One exchange's end on a session of the JSON protocol.
protocol JSONStream: AnyObject {
    func received(_ envelope: JSONEnvelope)
    /// An envelope has come that is larger than it may be.
    func receivedTooLarge()
    func sessionClosed(_ failure: Failure)
    /// So many bytes that this end wrote have left for the peer.
    func hasSent(_ bytes: Int)
    /// No more has come for now.
    func flush()
}

/// What the user of a session is told.
protocol JSONHandlerOwner: AnyObject {
    func sessionEstablished()
    /// An envelope of an id that is none of an open stream's.
    func opened(_ envelope: JSONEnvelope)
    /// The same of one that is larger than it may be; its long texts are empty.
    func openedTooLarge(_ envelope: JSONEnvelope)
    func streamsFreed()
    func sessionClosed(_ failure: Failure)
}

/// Speaks the JSON protocol on a channel: envelopes in and out, in their order, and streams by their ids. The protocol has no
/// windows: when a session holds as much as it may of what others don't take, its connection is read no further, so that
/// nothing is dropped and nothing grows.
final class JSONHandler: ChannelInboundHandler, TunnelSession {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long an agent has to hear that it is to open no more.
    private static let farewell = TimeAmount.seconds(1)

    let configuration: JSONConfiguration
    weak var owner: (any JSONHandlerOwner)?
    private let shard: Shard
    var sweepIndex: Int?
    /// When it is to be looked whether the peer is still there.
    private(set) var deadline: NIODeadline?
    private let meter: SessionMeter
    let peer: SessionPeer
    private var scanner: JSONScanner
    private var streams: [String: any JSONStream] = [:]
    private var context: ChannelHandlerContext?
    private var isActive = false
    private(set) var isDraining = false
    /// The farewell, while it is being said.
    private var farewell: Scheduled<Void>?
    /// Whether the agent is known to hear a goodbye. Then it ends the session itself, when it has sent all that it has begun.
    var agentHearsGoodbye = false
    private var isReading = false
    private var isPaused = false
    private var output = ByteBuffer()
    private var owed: [(stream: any JSONStream, bytes: Int)] = []
    private var touched: [any JSONStream] = []
    /// Bytes that came and were not passed on yet.
    private var held = 0
    /// Bytes of bodies that are put together to be sent, and have not left.
    private var collected = 0
    /// Bytes that were written without anybody's being owed credit for them, answers mostly, since the connection last took everything.
    private var unpaced = 0
    private lazy var flushing = DeferredAction(on: shard.loop) { [weak self] in self?.write() }

    init(configuration: JSONConfiguration, shard: Shard, meter: SessionMeter, peer: SessionPeer) {
        self.configuration = configuration
        self.shard = shard
        self.meter = meter
        self.peer = peer
        self.scanner = JSONScanner(limit: configuration.envelopeLimit)
    }

    // MARK: - Streams

    var codec: FrameCodec { .json }
    var openStreams: Int { streams.count }
    var canOpen: Bool { isActive && !isRefusing && streams.count < configuration.maxStreams }
    /// Nothing new is taken. While its agent hears that, what was on its way is.
    var isRefusing: Bool { isDraining && farewell == nil && !agentHearsGoodbye }

    func add(_ stream: any JSONStream, _ id: String) {
        meter.streamOpened()
        // An id that comes again takes the place of the stream that had it.
        if streams.updateValue(stream, forKey: id) != nil { meter.streamsClosed() }
    }

    func remove(_ id: String) {
        guard streams.removeValue(forKey: id) != nil else { return }
        meter.streamsClosed()
        owner?.streamsFreed()
        closeIfDrained()
    }

    /// Writes an envelope. `bytes` are those that its stream is owed credit for.
    func send(_ envelope: JSONEnvelope, owing bytes: Int = 0, to stream: (any JSONStream)? = nil) {
        guard isActive else { return }
        let before = output.readableBytes
        envelope.encode(into: &output)
        if let stream, bytes > 0 { owed.append((stream, bytes)) } else { unpaced += output.readableBytes - before }
        if output.readableBytes >= 64 << 10 { write() } else if !isReading { flushing.schedule() }
    }

    /// So many bytes that came wait for somebody who doesn't take them yet, or, negative, no longer.
    func hold(_ bytes: Int) {
        held += bytes
        regulate()
    }

    /// So many bytes of a body that is put together are kept, or, negative, no longer. They don't stop the reading: whoever they
    /// come from may take its time, and that is no business of the other streams.
    func collect(_ bytes: Int) { collected += bytes }

    /// Whether so many bytes more may be kept.
    func mayHold(_ bytes: Int) -> Bool { held + collected + bytes <= configuration.memory }

    private func regulate() {
        // One body alone, whose client takes its time, stops nobody.
        let shouldPause = held > max(configuration.memory / 2, configuration.maxBody)
        guard shouldPause != isPaused, let context else { return }
        isPaused = shouldPause
        context.channel.setReading(!shouldPause)
    }

    // MARK: - Life

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        close(.connectionClosed(to: peer.remote))
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        isActive = true
        // The protocol has no envelope that asks.
        KeepAlive.begin(on: context.channel, after: configuration.pingInterval, within: configuration.pingTimeout)
        deadline = .now() + configuration.pingInterval
        shard.deadlines.add(self)
        meter.opened(self)
        owner?.sessionEstablished()
        if isDraining { sayGoodbye() }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(.connectionLost(to: peer.remote))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case NIOSSLError.uncleanShutdown = error { return }
        close(.connectionFailed(to: peer.remote, error))
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent: drain()
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// Takes nothing new, and ends when what is open has ended. A server says so first.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        // While TLS shakes hands nothing can be said.
        if isActive { sayGoodbye() }
    }

    private func sayGoodbye() {
        guard peer.isAgent else { return closeIfDrained() }
        farewell = shard.loop.assumeIsolated().scheduleTask(in: Self.farewell) {
            self.farewell = nil
            self.closeIfDrained()
        }
        send(.goingAway())
    }

    private func closeIfDrained() {
        guard isRefusing, streams.isEmpty, isActive else { return }
        write()
        context?.closeTransportAfterWrites()
    }

    private func close(_ failure: Failure) {
        guard isActive else { return }
        isActive = false
        farewell?.cancel()
        shard.deadlines.remove(self)
        flushing.cancel()
        let open = streams
        meter.closed(self)
        meter.streamsClosed(open.count)
        streams = [:]
        owed = []
        for stream in open.values { stream.sessionClosed(failure) }
        owner?.sessionClosed(failure)
        owner = nil
    }

    // MARK: - Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isActive else { return }
        isReading = true
        scanner.append(unwrapInboundIn(data))
        do {
            while isActive, let bytes = try scanner.next() {
                // Not by reading on later: two ends that both wait for the other to read would do so for ever.
                guard unpaced <= configuration.unpacedLimit else { return showOut(context) }
                guard let envelope = try JSONEnvelope.decode(bytes) else { continue }
                if scanner.isElided || envelope.wholeSize > configuration.maxBody {
                    receivedTooLarge(envelope)
                } else {
                    received(envelope)
                }
            }
        } catch {
            let what = error == .tooLarge ? "an envelope of which not even its beginning can be told" : "no JSON envelope"
            let failure = Failure(error == .tooLarge ? .tooLarge : .protocolViolation, "\(peer.remote) sent \(what)")
            shard.logger.warning("session ended: \(failure.message)")
            write()
            context.closeTransportAfterWrites()
            close(failure)
        }
    }

    /// A peer that asks and doesn't read the answers. It wouldn't read either why it has to go.
    private func showOut(_ context: ChannelHandlerContext) {
        let failure = Failure(.excessive, "\(peer.remote) doesn't read what it asked for")
        shard.logger.warning("session ended: \(failure.message)")
        close(failure)
        context.close(promise: nil)
    }

    private func received(_ envelope: JSONEnvelope) {
        guard let stream = streams[envelope.id] else {
            owner?.opened(envelope)
            return
        }
        if envelope.isFailure { meter.streamReset() }
        stream.received(envelope)
        if touched.last !== stream { touched.append(stream) }
    }

    /// What is too large concerns the one exchange: it gets another end, and the session goes on.
    private func receivedTooLarge(_ envelope: JSONEnvelope) {
        guard let stream = streams[envelope.id] else {
            owner?.openedTooLarge(envelope)
            return
        }
        meter.streamReset()
        stream.receivedTooLarge()
        if touched.last !== stream { touched.append(stream) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        let streams = touched
        touched.removeAll(keepingCapacity: true)
        for stream in streams { stream.flush() }
        write()
        context.fireChannelReadComplete()
    }

    // MARK: - Writing

    private func write() {
        guard isActive, let context else { return }
        if output.readableBytes > 0 {
            let bytes = output
            output = ByteBuffer()
            context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        }
        settle(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        settle(context)
        context.fireChannelWritabilityChanged()
    }

    private func settle(_ context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        unpaced = 0
        guard !owed.isEmpty else { return }
        let settled = owed
        owed = []
        for (stream, bytes) in settled { stream.hasSent(bytes) }
    }
}

extension JSONHandler: Expiring {
    func expire(now: NIODeadline) {
        deadline = now + configuration.pingInterval
        guard let context else { return }
        // As the kernel counts, in seconds, and with one for an answer that is on its way.
        let limit = max(.seconds(1), configuration.pingInterval) + max(.seconds(1), configuration.pingTimeout) + .seconds(1)
        KeepAlive.measureSilence(on: context.channel) { silence in
            guard silence > limit else { return }
            self.close(Failure(.tunnelLost, "\(self.peer.remote) doesn't answer"))
            context.channel.closeTransport()
        }
    }
}

@available(*, unavailable)
extension JSONHandler: Sendable {}

extension JSONEnvelope {
    /// Whether it says in place of an answer why there is none.
    fileprivate var isFailure: Bool {
        switch self {
        case .httpResponse(_, _, _, _, let error): !error.isEmpty
        case .connectAck(_, let ok, _), .webSocketAck(_, let ok, _): !ok
        default: false
        }
    }

    /// The size in bytes of what it has whole: a body, or a WebSocket's message.
    fileprivate var wholeSize: Int {
        switch self {
        case .httpRequest(_, _, _, _, let body, _, _), .httpResponse(_, _, _, let body, _): body.readableBytes
        case .webSocketMessage(_, _, let data): data.readableBytes
        default: 0
        }
    }

    var id: String {
        switch self {
        case .httpRequest(let id, _, _, _, _, _, _), .httpResponse(let id, _, _, _, _), .connectOpen(let id, _, _),
            .connectAck(let id, _, _),
            .connectData(let id, _), .connectClose(let id, _), .webSocketOpen(let id, _, _, _, _), .webSocketAck(let id, _, _),
            .webSocketMessage(let id, _, _), .webSocketClose(let id, _, _), .goingAway(let id):
            id
        }
    }
}
