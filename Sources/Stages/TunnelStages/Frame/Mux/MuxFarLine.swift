import HTTPMessages
import NIOCore
import Pipeline

/// The session's end of a connection that came in on another loop. What is written goes over with each flush. Confined to the session's
/// loop.
final class MuxFarLine {
    /// What may be on its way to the connection and not yet taken there, in bytes.
    private static let most = 256 << 10

    private var handler: MuxHandler?
    private let wire: NIOLoopBound<MuxConnection>
    private var pending: [ByteBuffer] = []
    private var pendingBytes = 0
    private var outstanding = 0
    private let loop: any EventLoop

    /// - Parameter loop: The session's.
    init(_ handler: MuxHandler, _ wire: NIOLoopBound<MuxConnection>, on loop: any EventLoop) {
        self.handler = handler
        self.wire = wire
        self.loop = loop
    }

    var isWritable: Bool { outstanding + pendingBytes < Self.most }

    func write(_ bytes: ByteBuffer) {
        pending.append(bytes)
        pendingBytes += bytes.readableBytes
    }

    func flush() {
        guard pendingBytes > 0 else { return }
        let (list, count) = (pending, pendingBytes)
        (pending, pendingBytes) = ([], 0)
        outstanding += count
        onWire { far, context in
            for bytes in list { context.write(NIOAny(bytes), promise: nil) }
            context.flush()
            far.wrote(count, context.channel.isWritable)
        }
    }

    func closeAfterWrites() {
        flush()
        onWire { _, context in context.closeTransportAfterWrites() }
    }

    func closeOutputAfterWrites() {
        flush()
        onWire { _, context in context.closeOutputAfterWrites() }
    }

    func abandon() {
        handler = nil
        (pending, pendingBytes) = ([], 0)
        wire.eventLoop.execute { [wire] in wire.value.abandon() }
    }

    func dismiss(with bytes: ByteBuffer) {
        handler = nil
        wire.eventLoop.execute { [wire] in wire.value.dismiss(with: bytes) }
    }

    func suit(to roundTrip: TimeAmount, _ choosesCongestionControl: Bool) {
        onWire { far, context in far.suit(context.channel, to: roundTrip, choosesCongestionControl) }
    }

    private func onWire(_ action: @escaping @Sendable (MuxFarEnd, ChannelHandlerContext) -> Void) {
        wire.eventLoop.execute { [wire] in
            guard let context = wire.value.context, let far = wire.value.far else { return }
            action(far, context)
        }
    }

    // MARK: - From the connection

    /// Nothing of an abandoned connection reaches the session.
    func received(_ list: [ByteBuffer]) {
        guard let handler else { return }
        for bytes in list { handler.read(bytes) }
        handler.readComplete()
    }

    func taken(_ bytes: Int) {
        outstanding -= bytes
        handler?.pump()
    }

    func lost(_ failure: (String) -> Failure) {
        guard let handler else { return }
        self.handler = nil
        handler.lost(failure(handler.peerName))
        if !handler.isActive { handler.end(.connectionClosed(to: handler.peerName)) }
    }

    func goAway() { handler?.goAway() }
}

@available(*, unavailable)
extension MuxFarLine: Sendable {}

/// The connection's end of a session that is on another loop. Confined to the connection's loop.
final class MuxFarEnd {
    /// What the session may have before it that it hasn't read, in bytes; beyond that nothing is read from the connection.
    private static let most = 512 << 10

    private var line: NIOLoopBound<MuxFarLine>?
    private let loop: any EventLoop
    private var hasEnded = false
    private var channel: (any Channel)?
    private var pending: [ByteBuffer] = []
    private var unread = 0
    private var isPaused = false
    private var unwritten = 0
    private var distant: DistantConnection?

    /// - Parameter loop: The connection's.
    init(on loop: any EventLoop) {
        self.loop = loop
    }

    /// The session has taken the connection. Until then nothing comes: its opener waits for an answer.
    func join(_ line: NIOLoopBound<MuxFarLine>) {
        self.line = line
        if hasEnded { lost(nil) }
    }

    func read(_ bytes: ByteBuffer) { pending.append(bytes) }

    func readComplete(_ channel: any Channel) {
        self.channel = channel
        guard !pending.isEmpty, let line else { return }
        let list = pending
        pending = []
        let count = list.reduce(0) { $0 + $1.readableBytes }
        unread += count
        if unread >= Self.most, !isPaused { pause(true) }
        let this = NIOLoopBound(self, eventLoop: loop)
        line.eventLoop.execute {
            line.value.received(list)
            this.eventLoop.execute { this.value.wasRead(count) }
        }
    }

    private func wasRead(_ bytes: Int) {
        unread -= bytes
        if isPaused, unread < Self.most / 2 { pause(false) }
    }

    private func pause(_ isPaused: Bool) {
        self.isPaused = isPaused
        try? channel?.syncOptions?.setOption(.autoRead, value: !isPaused)
    }

    func wrote(_ bytes: Int, _ isWritable: Bool) {
        unwritten += bytes
        if isWritable { self.isWritable() } else { distant?.isBusy(.now()) }
    }

    /// The connection takes more.
    func isWritable() {
        guard unwritten > 0 else { return }
        let count = unwritten
        unwritten = 0
        line?.eventLoop.execute { [line] in line?.value.taken(count) }
    }

    func suit(_ channel: any Channel, to roundTrip: TimeAmount, _ choosesCongestionControl: Bool) {
        if choosesCongestionControl { NearbyConnection.tune(channel, roundTrip: roundTrip) }
        guard distant == nil, roundTrip >= DistantConnection.roundTrip else { return }
        distant = DistantConnection(channel, roundTrip: roundTrip, choosesCongestionControl: choosesCongestionControl)
    }

    func lost(_ error: (any Error)?) {
        hasEnded = true
        distant = nil
        guard let line else { return }
        let words = error.map { ConnectionFailure.words(for: $0) }
        line.eventLoop.execute {
            line.value.lost { peer in
                words.map { Failure(.tunnelLost, "the connection to \(peer) failed: \($0)") } ?? .connectionLost(to: peer)
            }
        }
    }

    func goAway() { line?.eventLoop.execute { [line] in line?.value.goAway() } }
}

@available(*, unavailable)
extension MuxFarEnd: Sendable {}
