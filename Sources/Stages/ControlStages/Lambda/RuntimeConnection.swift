import NIOCore
import NIOHTTP1
import NIOPosix

/// One answer of the Runtime API.
struct RuntimeResponse: Sendable {
    var status: Int
    var fields: HTTPHeaders
    var body: ByteBuffer
}

/// One kept-alive connection to the Runtime API. A request at a time; `next` may take as long as it likes, for the function is
/// frozen meanwhile.
final class RuntimeConnection: Sendable {
    /// Why a request got no answer.
    enum Lost: Error, Sendable {
        /// Nothing of an answer came: a connection that was kept and had ended in the meantime, say. Can be sent again.
        case beforeAnswer
        case duringAnswer
        case answerTooLarge
    }

    let channel: any Channel
    private let handler: NIOLoopBound<RuntimeConnectionHandler>

    private init(channel: any Channel, handler: NIOLoopBound<RuntimeConnectionHandler>) {
        self.channel = channel
        self.handler = handler
    }

    /// Connects to `host:port`.
    static func open(host: String, port: Int, on loop: any EventLoop) async throws -> RuntimeConnection {
        let channel = try await ClientBootstrap(group: loop)
            .connectTimeout(.seconds(3))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = RuntimeConnectionHandler(host: "\(host):\(port)")
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .connect(host: host, port: port).get()
        let handler = try await channel.eventLoop.submit {
            NIOLoopBound(
                try channel.pipeline.syncOperations.handler(type: RuntimeConnectionHandler.self), eventLoop: channel.eventLoop)
        }.get()
        return RuntimeConnection(channel: channel, handler: handler)
    }

    func send(
        _ method: HTTPMethod, _ path: String, _ fields: HTTPHeaders = [:], _ body: [UInt8] = []
    ) async throws -> RuntimeResponse {
        try await channel.eventLoop.flatSubmit { [handler, channel] in
            handler.value.send(method, path, fields, body)
                ?? channel.eventLoop.makeFailedFuture(Lost.beforeAnswer)
        }.get()
    }

    func close() { channel.close(promise: nil) }
}

/// Turns requests into bytes and answers into values, one after the other.
final class RuntimeConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// An event has at most 6 MiB; in JSON inside JSON it can grow.
    private static let limit = 16 << 20

    private let host: String
    private var context: ChannelHandlerContext?
    private var waiting: EventLoopPromise<RuntimeResponse>?
    private var head: HTTPResponseHead?
    private var body = ByteBuffer()

    init(host: String) {
        self.host = host
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Nil when the connection has ended.
    func send(
        _ method: HTTPMethod, _ path: String, _ fields: HTTPHeaders, _ body: [UInt8]
    ) -> EventLoopFuture<RuntimeResponse>? {
        guard let context, context.channel.isActive, waiting == nil else { return nil }
        let promise = context.eventLoop.makePromise(of: RuntimeResponse.self)
        waiting = promise
        var fields = fields
        fields.replaceOrAdd(name: "Host", value: host)
        fields.replaceOrAdd(name: "User-Agent", value: "fluidity")
        if method == .POST { fields.replaceOrAdd(name: "Content-Length", value: "\(body.count)") }
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, method: method, uri: path, headers: fields))), promise: nil)
        if !body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard !(100..<200).contains(head.status.code) else { return }
            self.head = head
            body.clear()
        case .body(var bytes):
            body.writeBuffer(&bytes)
            if body.readableBytes > Self.limit { fail(context, RuntimeConnection.Lost.answerTooLarge) }
        case .end:
            guard let head, let promise = waiting else { return }
            self.head = nil
            waiting = nil
            promise.succeed(RuntimeResponse(status: Int(head.status.code), fields: head.headers, body: body))
            if !head.isKeepAlive { context.close(promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context, head == nil ? RuntimeConnection.Lost.beforeAnswer : .duringAnswer)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, head == nil ? RuntimeConnection.Lost.beforeAnswer : .duringAnswer)
    }

    private func fail(_ context: ChannelHandlerContext, _ error: RuntimeConnection.Lost) {
        let promise = waiting
        waiting = nil
        head = nil
        promise?.fail(error)
        context.close(promise: nil)
    }
}

@available(*, unavailable)
extension RuntimeConnectionHandler: Sendable {}
