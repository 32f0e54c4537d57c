import NIOCore
import Pipeline

/// Takes connections of several protocols on one port: TLS says which one it is.
final class CodecChoicePort: InboundPort {
    private let ports: [any InboundPort]
    fileprivate let shard: Shard

    init(ports: [any InboundPort], shard: Shard) {
        self.ports = ports
        self.shard = shard
    }

    var protocols: [String] { ports.flatMap(\.protocols) }
    var takesUnknownProtocols: Bool { ports.contains(where: \.takesUnknownProtocols) }
    var admits: Bool { ports.allSatisfy(\.admits) }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(CodecChoiceHandler(connection: connection, port: self))
    }

    /// The protocol that was negotiated; without one, the one that has no name in ALPN, else the first.
    fileprivate func choice(for negotiated: String?) -> any InboundPort {
        if let negotiated, let port = ports.first(where: { $0.protocols.contains(negotiated) }) { return port }
        return ports.first { $0.protocols.isEmpty } ?? ports[0]
    }
}

/// Waits until it is known which protocol a connection speaks, and gives its place to that.
private final class CodecChoiceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let connection: Inbound
    private let port: CodecChoicePort

    init(connection: Inbound, port: CodecChoicePort) {
        self.connection = connection
        self.port = port
    }

    func channelActive(context: ChannelHandlerContext) {
        do {
            // What it adds stands at the end, right behind this handler.
            try port.choice(for: connection.negotiatedProtocol).accept(connection)
        } catch {
            return context.close(promise: nil)
        }
        context.fireChannelActive()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is DrainEvent, ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }
}

@available(*, unavailable)
extension CodecChoiceHandler: Sendable {}
