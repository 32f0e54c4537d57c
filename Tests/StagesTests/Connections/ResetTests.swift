import HTTPMessages
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Rehearsal
import Testing

@testable import TunnelStages

/// What a peer resets is cut off and not complete, also where a write is what finds it: then the channel closes, and nothing is
/// said of an error. Both ends of a connection live on one loop here, so that no read can come between the reset and the write.
@Suite struct ResetTests {
    @Test func `An origin's reset isn't the end of its half`() async throws {
        try await reset { scene, address in
            let fetch = FetchStage(configuration: scene.fetch, tls: try OriginTrust.context(nil))
            let head = RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: address, path: "", body: .unknown)
            let exchange = Exchange(head, from: scene.client, client: scene.inbound, on: scene.shard)
            try fetch.assemble((), on: scene.shard).open(exchange)
            scene.exchange = exchange
        } writing: { exchange in
            exchange.sendRequestBody(ByteBuffer(string: "x"))
            exchange.flushRequest()
        }
    }

    @Test(arguments: ["http", "socks"])
    func `A client's reset isn't the end of its half`(stage: String) async throws {
        try await reset { scene, address in
            let port: any InboundPort
            if stage == "http" {
                port = try HTTPStage(configuration: HTTPConfiguration()).assemble(scene.origin, on: scene.shard)
                scene.greeting = Array("CONNECT origin:1 HTTP/1.1\r\nHost: origin:1\r\n\r\n".utf8)
            } else {
                port = try SOCKSStage(configuration: SOCKSConfiguration()).assemble(scene.origin, on: scene.shard)
                scene.greeting = [5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 1, 0, 1]
            }
            let accepting = NIOLoopBound(port, eventLoop: scene.shard.loop)
            _ = ClientBootstrap(group: scene.shard.loop).channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try accepting.value.accept(Inbound(channel: channel, remote: "192.0.2.1:50000"))
                    }
                }
                .connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: Authority(address)?.port ?? 0))
        } writing: { exchange in
            exchange.sendResponseBody(ByteBuffer(string: "x"))
            exchange.flushResponse()
        }
    }

    /// - Parameter open: Opens a tunnel that has a connection to the address.
    private func reset(
        open: @escaping @Sendable (Scene, String) throws -> Void, writing: @escaping @Sendable (Exchange) -> Void
    ) async throws {
        let loop = MultiThreadedLoop.shared
        let unused = try await UnusedChannel.open(on: loop)
        let scene = try await loop.submit { NIOLoopBound(Scene(unused.channel), eventLoop: loop) }.get()
        let listener = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Peer(scene.value)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = "127.0.0.1:\(try #require(listener.localAddress?.port))"
        try await loop.flatSubmit {
            loop.makeCompletedFuture { try open(scene.value, address) }.flatMap { scene.value.isReady.futureResult }
        }.get()
        let seen = try await loop.submit {
            let scene = scene.value
            scene.peer?.reset()
            if let exchange = scene.exchange { writing(exchange) }
            return scene.seen
        }.get()
        #expect(seen == ["aborted"])
        try await listener.close()
        await unused.close()
    }
}

/// A tunnel, and what its other side has seen of how it ended.
private final class Scene {
    let shard: Shard
    let inbound: Inbound
    var fetch = FetchConfiguration()
    /// What the peer says first.
    var greeting: [UInt8] = []
    var peer: ChannelHandlerContext? { didSet { check() } }
    var exchange: Exchange?
    var isOpen = false { didSet { check() } }
    let isReady: EventLoopPromise<Void>
    var seen: [String] = []
    lazy var client = Client(self)
    lazy var origin = Origins(self)

    init(_ unused: any Channel) {
        let loop = unused.eventLoop
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        inbound = Inbound(channel: unused, remote: "192.0.2.1:50000")
        isReady = loop.makePromise()
        fetch.destinations = .any
    }

    func check() {
        if peer != nil, isOpen { isReady.succeed(()) }
    }
}

/// The connection's other end.
private final class Peer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let scene: Scene

    init(_ scene: Scene) { self.scene = scene }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(bytes: scene.greeting)), promise: nil)
        scene.peer = context
    }

    func channelInactive(context: ChannelHandlerContext) { scene.peer = nil }
}

private final class Client: ExchangeSource {
    private weak var scene: Scene?

    init(_ scene: Scene) { self.scene = scene }

    override func responseHead(_ head: ResponseHead) { scene?.isOpen = true }
    override func responseEnd(_ trailers: HeaderFields?) { scene?.seen.append("ended") }
    override func responseAborted(_ failure: Failure) { scene?.seen.append("aborted") }
}

private final class Origins: ExchangeSink, ExchangePort {
    private weak var scene: Scene?

    init(_ scene: Scene) { self.scene = scene }

    func open(_ exchange: Exchange) {
        exchange.attach(self)
        exchange.sendResponseHead(ResponseHead(status: 200, reason: "OK"))
        exchange.flushResponse()
        scene?.exchange = exchange
        scene?.isOpen = true
    }

    override func requestEnd(_ trailers: HeaderFields?) { scene?.seen.append("ended") }
    override func requestAborted(_ failure: Failure) { scene?.seen.append("aborted") }
}
