import ConfigurationLanguage
import Crypto
import Foundation
import Logging
import NIOCore
import NIOEmbedded
import NIOSSL
import Pipeline
import SwiftASN1
import Testing
import X509

@testable import TunnelStages

/// Whose connection goes on to the next stage, and how.
@Suite struct EnrolPeekTests {
    private final class Next: ChannelInboundHandler, InboundPort {
        typealias InboundIn = ByteBuffer
        var bytes = ByteBuffer()
        var hasOpened = false
        let protocols: [String] = []
        func accept(_ connection: Inbound) throws { try connection.channel.pipeline.syncOperations.addHandler(self) }
        func channelActive(context: ChannelHandlerContext) { hasOpened = true }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var more = unwrapInboundIn(data)
            bytes.writeBuffer(&more)
        }
    }

    private let loop = EmbeddedEventLoop()
    private let channel: EmbeddedChannel
    private let shard: Shard
    private let next = Next()

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("enrol-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let authority = try CertificateAuthority(name: "Test", days: 1)
        let issued = try authority.issue(CertificateRequest(name: "server", isServer: true, dnsNames: ["server.example"], days: 1))
        func file(_ name: String, _ text: String) throws -> PEMSource {
            let url = folder.appendingPathComponent(name)
            try text.write(to: url, atomically: true, encoding: .utf8)
            return .file(FilePath(url.path))
        }
        var configuration = EnrolConfiguration()
        configuration.certificate = try file("server.pem", issued.certificatePEM())
        configuration.key = try file("server-key.pem", issued.keyPEM())
        configuration.ca = try file("ca.pem", authority.certificate.serializeAsPEM().pemString)
        configuration.caKey = try file("ca-key.pem", authority.key.serializeAsPEM().pemString)
        configuration.invitations = FolderPath(folder.path)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        channel = EmbeddedChannel(loop: loop)
        shard = Shard(loop: loop, group: loop, index: 0, logger: logger)
        let port = EnrolPort(desk: .here(try EnrolmentDesk(configuration, logger: logger)), downstream: next, shard: shard)
        try port.accept(Inbound(channel: channel, remote: "192.0.2.1:1"))
        channel.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
    }

    /// The first message of a client that offers these protocols.
    private func hello(_ protocols: [String]) throws -> ByteBuffer {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.applicationProtocols = protocols
        let client = EmbeddedChannel()
        try client.pipeline.syncOperations.addHandler(
            NIOSSLClientHandler(context: NIOSSLContext(configuration: tls), serverHostname: nil))
        client.connect(to: try SocketAddress(ipAddress: "192.0.2.1", port: 1), promise: nil)
        client.embeddedEventLoop.run()
        return try #require(try client.readOutbound(as: ByteBuffer.self))
    }

    @Test(arguments: [[], ["fluidity/1"], ["h2", "http/1.1"], ["fluidity-enrol/1", "fluidity/1"]])
    func `Others' connections go on as they came, split anywhere`(protocols: [String]) throws {
        let hello = try hello(protocols)
        let half = hello.readableBytes / 2
        for part in [hello.getSlice(at: 0, length: half), hello.getSlice(at: half, length: hello.readableBytes - half)] {
            #expect(!next.hasOpened && next.bytes.readableBytes == 0)
            try channel.writeInbound(part)
        }
        #expect(next.hasOpened && next.bytes == hello)
        try channel.writeInbound(ByteBuffer(string: "more"))
        #expect(next.bytes.readableBytes == hello.readableBytes + 4)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test func `What is no TLS is the next stage's to refuse`() throws {
        try channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        #expect(next.bytes == ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
    }

    @Test func `Who enrols is answered here`() throws {
        try channel.writeInbound(try hello([EnrolMessage.protocolName]))
        #expect(!next.hasOpened && next.bytes.readableBytes == 0)
        #expect(try channel.readOutbound(as: ByteBuffer.self) != nil)
    }

    @Test func `Who says nothing goes after a while`() throws {
        shard.deadlines.sweep(now: .now() + .seconds(11))
        #expect(!channel.isActive)
    }

    @Test func `Who has said nothing doesn't keep a server that drains`() throws {
        channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        loop.run()
        #expect(!channel.isActive)
    }
}
