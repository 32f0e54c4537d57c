import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Where a server's name has several addresses, the last that was tried needn't be the one that answers.
@Suite struct AttemptsTests {
    private final class Server: OutboundPort {
        var client: (any OutboundClient)?
        func attach(_ client: any OutboundClient) { self.client = client }
        var status: OutboundStatus { .up }
        var patience: TimeAmount { .seconds(10) }
    }

    private let loop = EmbeddedEventLoop()

    /// The bytes with which a server begins.
    private static func greeting(_ codec: FrameCodec) -> [UInt8] {
        switch codec {
        case .mux: MuxWire.hello(stream: 20_000, session: 60_000)
        // SETTINGS without a setting.
        case .h2: [0, 0, 0, 4, 0, 0, 0, 0, 0]
        case .json: []
        }
    }

    /// - Parameter isReadyFirst: Whether the port hears which it is before bytes can be sent.
    @Test(arguments: [(FrameCodec.mux, true), (.mux, false), (.h2, true), (.h2, false), (.json, true), (.json, false)])
    func `Of several attempts the one that is ready is used`(codec: FrameCodec, isReadyFirst: Bool) throws {
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        var configuration = FrameConfiguration()
        configuration.codec = codec
        let server = Server()
        let port = try FrameClientStage(codec: codec.implementation.init(configuration.session), presence: nil).assemble(
            server, on: shard)
        let (first, second) = (EmbeddedChannel(loop: loop), EmbeddedChannel(loop: loop))
        let connections = [first, second].map { Outbound(channel: $0, host: "server.example") }
        for connection in connections { try server.client?.configure(connection) }

        var isEstablished = false
        func ready() {
            // Told of the one that was taken only.
            connections[0].onEstablished = { isEstablished = true }
            server.client?.ready(connections[0])
        }
        if isReadyFirst { ready() }
        first.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        loop.run()
        if !isReadyFirst { ready() }
        second.close(promise: nil)
        loop.run()
        try first.writeInbound(ByteBuffer(bytes: Self.greeting(codec)))
        loop.run()
        #expect(isEstablished && connections[0].failure == nil)

        while try first.readOutbound(as: ByteBuffer.self) != nil {}
        let head = RequestHead(method: "GET", scheme: .http, authority: "one.example", path: "/")
        let exchange = Exchange(head, from: ExchangeSource(), client: Inbound(channel: first, remote: "192.0.2.2:1"), on: shard)
        port.open(exchange)
        exchange.sendRequestEnd()
        loop.run()
        #expect(try first.readOutbound(as: ByteBuffer.self) != nil)
    }
}
