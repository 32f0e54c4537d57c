import HTTPMessages
import NIOCore
import NIOPosix
import Pipeline
import Platform
import TunnelStages

/// What a port says to HTTP without TLS: whether somebody else answers there, and what time it is for him.
struct PlainAnswer: Sendable {
    var status: Int
    /// Where the answer leads, of a redirect.
    var location: String?
    /// Seconds of the Unix epoch.
    var date: Int?
    /// The beginning of its page.
    var text: String

    private static let limit = 16 << 10

    /// Nil where nobody answers in HTTP.
    static func ask(_ address: SocketAddress, host: String, on group: any EventLoopGroup) async -> PlainAnswer? {
        let loop = group.next()
        let promise = loop.makePromise(of: ByteBuffer.self)
        let handler = ClientBootstrap(group: loop).connectTimeout(.seconds(5)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Reader(promise, limit)) }
        }
        guard let channel = try? await handler.connect(to: address).get() else {
            promise.succeed(ByteBuffer())
            return nil
        }
        // As an origin would be asked: a proxy says what it thinks of that, and a portal where it is.
        let request = "GET / HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: \(ProgramVersion.userAgent)\r\nConnection: close\r\n\r\n"
        try? await channel.writeAndFlush(ByteBuffer(string: request)).get()
        loop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
        let bytes = (try? await promise.futureResult.get()) ?? ByteBuffer()
        try? await channel.close().get()
        return read(bytes)
    }

    private static func read(_ bytes: ByteBuffer) -> PlainAnswer? {
        var parser = HTTP1ResponseParser()
        parser.expectResponse(to: "GET")
        parser.append(bytes)
        var found: PlainAnswer?
        var page = ByteBuffer()
        var fields = HeaderFields()
        reading: while let part = try? parser.next() {
            switch part {
            case .head(let head):
                guard !head.isInformational else { continue }
                fields = head.fields
                found = PlainAnswer(
                    status: head.status, location: fields.first("Location").map { ForeignText.line($0, limit: 200) },
                    date: fields.first("Date").flatMap(HTTPDate.parse), text: "")
            case .body(var more): page.writeBuffer(&more)
            case .end: break reading
            }
        }
        found?.text = PageText.line(page, fields, limit: 120)
        return found
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<ByteBuffer>
        private let limit: Int
        private var bytes = ByteBuffer()

        init(_ promise: EventLoopPromise<ByteBuffer>, _ limit: Int) {
            self.promise = promise
            self.limit = limit
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var more = unwrapInboundIn(data)
            bytes.writeBuffer(&more)
            if bytes.readableBytes > limit { context.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        func channelInactive(context: ChannelHandlerContext) { promise.succeed(bytes) }
        func handlerRemoved(context: ChannelHandlerContext) { promise.succeed(bytes) }
    }
}
