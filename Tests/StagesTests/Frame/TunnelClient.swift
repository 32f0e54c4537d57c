import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Pipeline

/// The agent's end of a tunnel in memory: a port of some codec, and connections that the test is the server of.
final class TunnelClient<Port: ExchangePort & OutboundClient> {
    final class Server: OutboundPort {
        var patience = TimeAmount.seconds(10)
        var status: OutboundStatus { .up }
        /// How often another connection was asked for.
        var wanted = 0
        func openAnother() { wanted += 1 }
        func attach(_ client: any OutboundClient) {}
    }

    final class Client: ExchangeSource {
        var heads: [Int] = []
        var body = ""
        var aborted: Failure?
        override func responseHead(_ head: ResponseHead) { heads.append(head.status) }
        override func responseBody(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
        override func responseAborted(_ failure: Failure) { aborted = failure }
    }

    let loop = EmbeddedEventLoop()
    let server = Server()
    let shard: Shard
    let port: Port

    init(_ make: (any OutboundPort, Shard) -> Port) {
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        port = make(server, shard)
    }

    /// A connection that is open.
    func connect(isExtra: Bool = false) throws -> (connection: Outbound, channel: EmbeddedChannel) {
        let channel = EmbeddedChannel(loop: loop)
        let connection = Outbound(channel: channel, host: "server.example")
        connection.isExtra = isExtra
        try port.configure(connection)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        port.ready(connection)
        return (connection, channel)
    }

    func ask(_ path: String, _ client: Client = Client(), method: String = "GET", body: BodyLength = .none) -> Exchange {
        let head = RequestHead(method: method, scheme: .http, authority: "a.test", path: path, body: body)
        let inbound = Inbound(channel: EmbeddedChannel(loop: loop), remote: "192.0.2.2:1")
        let exchange = Exchange(head, from: client, client: inbound, on: shard)
        port.open(exchange)
        return exchange
    }

    /// What has been sent on a connection since this was last asked.
    func sent(_ channel: EmbeddedChannel) throws -> ByteBuffer {
        loop.run()
        var all = ByteBuffer()
        while var bytes = try channel.readOutbound(as: ByteBuffer.self) { all.writeBuffer(&bytes) }
        return all
    }
}

@available(*, unavailable)
extension TunnelClient: Sendable {}
