import HTTPMessages
import Instruments
import NIOCore
import Pipeline

/// The connection's side: how it comes and goes, and how long it may take for what.
extension HTTPServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        output.attach(context)
        try? BulkReading.prepare(context.channel, port.shard.readBuffers)
        port.meter.connections.add()
        port.meter.open.add(1)
        // A connection that says nothing, not even in its TLS handshake, is closed like one that sends a head too slowly.
        let now = NIODeadline.now()
        deadline = now + TimeAmount(port.configuration.headTimeout)
        connection.unusedSince = now
        port.shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(Failure(.cancelled, "the client's connection was closed"))
        self.context = nil
        output.detach()
        port.meter.open.add(-1)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if state.isTunnel, output.isComplete, let exchange {
            // The end of what the client had to say, if that isn't known yet.
            exchange.sendRequestEnd()
            exchange.flushRequest()
        }
        end(Failure(.cancelled, "the client closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(Failure(.cancelled, "the client's connection failed: \(ConnectionFailure.words(for: error))"))
        context.close(promise: nil)
    }

    private func end(_ failure: Failure) {
        port.shard.deadlines.remove(self)
        unsettled = nil
        state.end()?.abortRequest(failure)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent:
            switch state.drain(isParserIdle: parser.isIdle) {
            case .nothing: break
            case .close: output.close()
            case .waitForFirst: deadline = .now() + Self.drainPatience
            }
        case ChannelEvent.inputClosed:
            inputClosed(context)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// The client says nothing more. In a tunnel that may be meant so. Everywhere else who closes his half has left: clients that want their
    /// answer hardly ever do, and nothing else would tell it of one that waits for an answer or for the next of an origin's events.
    private func inputClosed(_ context: ChannelHandlerContext) {
        let action = state.inputClosed()
        if action == .endTunnel {
            exchange?.sendRequestEnd()
            exchange?.flushRequest()
            return
        }
        end(Failure(.cancelled, "the client closed the connection before its answer was complete"))
        // An answer that is complete goes out before the close.
        if action == .reset { context.reset() } else { output.close() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Said twice for a write, and to nobody else: this is the last handler.
        connection.isActive = true
        if output.writabilityChanged() { settle(context) }
    }
}

extension HTTPServerHandler: Expiring {
    func expire(now: NIODeadline) {
        guard let context else { return }
        deadline = nil
        if state.refusesLateHead(isParserIdle: parser.isIdle) {
            return refuse(408, "The request's head did not come in time.", context)
        }
        end(Failure(.cancelled, "the client was silent for too long"))
        context.close(promise: nil)
    }
}
