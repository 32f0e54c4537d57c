import NIOCore
import NIOHTTP2

/// Stands in front of the library's HTTP/2, which has fields as Strings: lets their bytes through both ways as they are.
final class H2FieldBytesHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// What a client says first (RFC 9113, 3.4).
    static let preface = 24

    private var incoming: H2IncomingHeads
    private var outgoing: H2OutgoingHeads

    init(_ mode: NIOHTTP2Handler.ParserMode) {
        incoming = H2IncomingHeads(preface: mode == .server ? Self.preface : 0)
        outgoing = H2OutgoingHeads(preface: mode == .client ? Self.preface : 0)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What reads may have more come at once.
        var passed: [ByteBuffer] = []
        incoming.take(unwrapInboundIn(data)) { passed.append($0) }
        for bytes in passed { context.fireChannelRead(wrapInboundOut(bytes)) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .byteBuffer(let bytes) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        context.write(wrapOutboundOut(.byteBuffer(outgoing.take(bytes))), promise: promise)
    }
}

@available(*, unavailable)
extension H2FieldBytesHandler: Sendable {}
