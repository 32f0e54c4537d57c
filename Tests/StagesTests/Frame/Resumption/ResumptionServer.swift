import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Pipeline

@testable import TunnelStages

/// The server's end of a tunnel in memory whose sessions can be resumed: the test is its agents.
final class ResumptionServer {
    /// Sends back what it gets, as long as it isn't told to be silent.
    final class Origin: ExchangePort {
        final class End: ExchangeSink {
            unowned let exchange: Exchange
            init(_ exchange: Exchange) { self.exchange = exchange }

            override func requestBody(_ bytes: ByteBuffer) {
                exchange.creditRequest(bytes.readableBytes)
                exchange.sendResponseBody(bytes)
                exchange.flushResponse()
            }

            override func requestEnd(_ trailers: HeaderFields?) { exchange.sendResponseEnd() }
        }

        var exchanges: [Exchange] = []
        var isSilent = false

        func open(_ exchange: Exchange) {
            exchanges.append(exchange)
            guard !isSilent else { return }
            exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
            exchange.attach(End(exchange))
        }
    }

    let origin = Origin()
    let parking: MuxParking
    let shard: Shard
    let loop: EmbeddedEventLoop
    private let port: MuxServerPort
    private var number = 0

    /// - Parameter settings: Without any, no session can be resumed.
    init(
        _ settings: ResumptionSettings? = ResumptionSettings(), on loop: EmbeddedEventLoop = EmbeddedEventLoop(),
        telemetry: Telemetry = Telemetry()
    ) {
        self.loop = loop
        let parking = MuxParking(settings ?? ResumptionSettings())
        self.parking = parking
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        shard = Shard(loop: loop, group: loop, index: 0, logger: logger, telemetry: telemetry)
        port = MuxServerPort(
            configuration: MuxConfiguration(), downstream: origin, shard: shard, parking: settings.map { _ in parking })
    }

    /// What one agent's connection is to the test.
    final class Line {
        let channel: EmbeddedChannel
        private var decoder = MuxFrameDecoder()

        init(_ channel: EmbeddedChannel) {
            self.channel = channel
        }

        /// The frames that have come since this was last asked.
        func frames() throws -> [MuxFrame] {
            channel.embeddedEventLoop.run()
            var frames: [MuxFrame] = []
            while let bytes = try channel.readOutbound(as: ByteBuffer.self) {
                decoder.append(bytes)
                while let frame = try decoder.next() { frames.append(frame) }
            }
            return frames
        }

        func say(_ bytes: [UInt8]) throws {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            channel.embeddedEventLoop.run()
        }

        func lose() { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }

    static func identity(_ name: String, key: String = "1") -> PeerIdentity {
        PeerIdentity(subject: "CN=\(name)", commonName: name, dnsNames: [name], uris: [], publicKeyHash: key)
    }

    /// A connection whose HELLO has been sent to the agent.
    func accept(_ identity: PeerIdentity = ResumptionServer.identity("agent")) throws -> Line {
        number += 1
        let channel = EmbeddedChannel(loop: loop)
        channel.localAddress = try SocketAddress(ipAddress: "10.0.0.1", port: 8443)
        let inbound = Inbound(channel: channel, remote: "192.0.2.\(number % 250 + 1):1")
        inbound.identity = identity
        try port.accept(inbound)
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        return Line(channel)
    }

    /// A session that can be resumed, and the token for it.
    func begin(_ identity: PeerIdentity = ResumptionServer.identity("agent")) throws -> (line: Line, token: ResumptionToken) {
        let line = try accept(identity)
        try line.say(Self.hello())
        guard case .hello(let settings)? = try line.frames().first, let offer = settings.offer else { throw ChannelError.eof }
        return (line, offer.token)
    }

    /// What is said on another connection, and the first that comes behind its HELLO.
    func attach(
        _ token: ResumptionToken, at position: UInt64 = 0, _ identity: PeerIdentity = ResumptionServer.identity("agent")
    ) throws -> (line: Line, answer: MuxAttachAnswer?) {
        let line = try accept(identity)
        try line.say(Self.hello(MuxAttach(token: token, position: position)))
        let answer = try line.frames().lazy.compactMap { if case .attached(let answer) = $0 { answer } else { nil } }.first
        return (line, answer)
    }

    static func hello(_ attach: MuxAttach? = nil) -> [UInt8] {
        var settings = MuxSettings(streamWindow: 1 << 20, sessionWindow: 4 << 20, maxStreams: 100)
        settings.resumes = true
        settings.attach = attach
        var bytes = ByteBuffer()
        MuxFrameEncoder.hello(settings, into: &bytes)
        return Array(bytes.readableBytesView)
    }

    static func acknowledgement(_ position: UInt64) -> [UInt8] { MuxWire.frame(10, 0, MuxWire.integer(position)) }
}

@available(*, unavailable)
extension ResumptionServer: Sendable {}
