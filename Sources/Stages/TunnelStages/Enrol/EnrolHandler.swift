import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Pipeline
import Platform

/// Serves one connection that enrols: reads a line, answers it, and ends. Nothing else is served here.
final class EnrolHandler: ChannelInboundHandler, Expiring {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case reading(ByteBuffer)
        /// A thread is at it.
        case deciding
        /// The answer waits, or is on its way; what still comes is thrown away.
        case answered
    }

    /// How long TLS and the line may take, and the answer to be taken.
    private static let patience = TimeAmount.seconds(10)
    /// How long one who has no invitation waits for the answer: the next guess comes no sooner.
    private static let penalty = TimeAmount.seconds(1)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    private let connection: Inbound
    private let port: EnrolPort
    private let desk: EnrolmentDesk
    private var state = State.reading(ByteBuffer())
    private var hasPlace = false
    private var context: ChannelHandlerContext?

    init(connection: Inbound, port: EnrolPort, desk: EnrolmentDesk) {
        self.connection = connection
        self.port = port
        self.desk = desk
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = .now() + Self.patience
        port.shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        port.shard.deadlines.remove(self)
        if hasPlace { port.giveBack(from: connection) }
        hasPlace = false
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .reading(var line) = state else { return }
        state = .answered
        var bytes = unwrapInboundIn(data)
        line.writeBuffer(&bytes)
        guard let end = line.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            guard line.readableBytes <= EnrolMessage.limit else { return answer(.refused("the request is too large"), .unsuitable) }
            state = .reading(line)
            return
        }
        let text = String(decoding: line.readableBytesView[..<end], as: UTF8.self)
        guard end - line.readerIndex <= EnrolMessage.limit, let request = EnrolMessage.Request(text) else {
            return answer(.refused("this is no request of 'fluidity join'"), .unsuitable)
        }
        guard port.take(for: connection) else {
            return write(.refused("too many join at once; try again in a moment"))
        }
        hasPlace = true
        state = .deciding
        decide(request)
    }

    /// Files are read and written, so not on this loop.
    private func decide(_ request: EnrolMessage.Request) {
        let enroller = desk.enroller
        let bound = NIOLoopBound(self, eventLoop: port.shard.loop)
        NIOThreadPool.singleton.runIfActive(eventLoop: port.shard.loop) { enroller.answer(request, now: WallTime.seconds) }
            .whenComplete { result in
                switch result {
                case .success(let (message, how, invitation)): bound.value.decided(message, how, invitation)
                case .failure: bound.value.answer(.refused("the server is going away"), .failed)
                }
            }
    }

    private func decided(_ message: EnrolMessage.Answer, _ result: Enroller.Result, _ invitation: Invitation?) {
        var metadata: Logger.Metadata = ["remote": "\(connection.remote)", "result": "\(result.rawValue)"]
        if let invitation { metadata["name"] = "\(ForeignText.line(invitation.name, limit: 64))" }
        desk.logger.log(level: result == .granted ? .notice : .warning, "somebody asked to join", metadata: metadata)
        state = .answered
        guard result == .unknown || result == .used || result == .expired else { return answer(message, result) }
        let bound = NIOLoopBound(self, eventLoop: port.shard.loop)
        port.shard.loop.scheduleTask(in: Self.penalty) { bound.value.answer(message, result) }
    }

    private func answer(_ message: EnrolMessage.Answer, _ result: Enroller.Result) {
        port.meter.ended(result)
        write(message)
    }

    private func write(_ message: EnrolMessage.Answer) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: message.line)), promise: written)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: if case .reading = state { context.close(promise: nil) }
        // What is being decided is answered.
        case is DrainEvent: if case .reading = state { context.close(promise: nil) }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case NIOSSLError.uncleanShutdown = error { return }
        context.close(promise: nil)
    }

    func expire(now: NIODeadline) { context?.channel.closeTransport() }
}

@available(*, unavailable)
extension EnrolHandler: Sendable {}
