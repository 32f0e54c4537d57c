import ConfigurationLanguage
import Foundation
import NIOCore
import NIOEmbedded
import NIOSSL
import Pipeline
import Testing
import TunnelStages

@testable import CommandLineInterface

/// What the command line issues, loaded as the `mtls` stage loads it, in real TLS handshakes.
@Suite struct IssuedCertificateHandshakeTests {
    let directory: TemporaryDirectory
    let certificates: CertificateDirectory
    let authority: CertificateAuthority

    init() throws {
        directory = try TemporaryDirectory()
        certificates = CertificateDirectory(path: directory.path)
        authority = try CertificateAuthority(name: "Test CA", days: 100)
        try certificates.save(authority)
        for request in [
            CertificateRequest(name: "server", isServer: true, dnsNames: ["localhost"]),
            CertificateRequest(name: "client", isClient: true),
        ] {
            try certificates.save(authority.issue(request), as: request.name, replacing: false)
        }
    }

    private func credentials(_ name: String, role: TLSCredentials.Role? = nil) throws -> TLSCredentials {
        try TLSCredentials(
            certificate: .file(FilePath(certificates.certificate(name).path)), key: .file(FilePath(certificates.key(name).path)),
            ca: .file(FilePath(certificates.certificate("ca").path)), role: role)
    }

    /// Whether both ends finish a TLS 1.3 handshake in which each verifies the other.
    private func handshake(server: TLSCredentials, client: TLSCredentials, name: String) throws -> Bool {
        var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
            certificateChain: server.certificateChain, privateKey: server.privateKey, trustRoots: server.trustRoots)
        configuration.minimumTLSVersion = .tlsv13
        let serverHandler = NIOSSLServerHandler(context: try NIOSSLContext(configuration: configuration))
        configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = client.certificateChain
        configuration.privateKey = client.privateKey
        configuration.trustRoots = client.trustRoots
        let clientHandler = try NIOSSLClientHandler(context: NIOSSLContext(configuration: configuration), serverHostname: name)

        let loop = EmbeddedEventLoop()
        let ends = [
            EmbeddedChannel(handlers: [serverHandler], loop: loop), EmbeddedChannel(handlers: [clientHandler], loop: loop),
        ]
        defer {
            for end in ends { end.close(promise: nil) }
            // Past the time that each end gives the other for its farewell.
            loop.advanceTime(by: .minutes(1))
        }
        do {
            for end in ends { end.connect(to: try SocketAddress(unixDomainSocketPath: "/x"), promise: nil) }
            for end in ends { end.writeAndFlush(ByteBuffer(string: "hello"), promise: nil) }
            var moved = true
            while moved {
                moved = false
                loop.run()
                for (from, to) in [(ends[0], ends[1]), (ends[1], ends[0])] {
                    while let bytes = try from.readOutbound(as: ByteBuffer.self) {
                        try to.writeInbound(bytes)
                        moved = true
                    }
                }
            }
            return try ends.allSatisfy { try $0.readInbound(as: ByteBuffer.self) == ByteBuffer(string: "hello") }
        } catch let error where error is NIOSSLError || error is NIOSSLExtraError {
            return false
        }
    }

    @Test func bothSidesAcceptEachOther() throws {
        let server = try credentials("server", role: .server)
        let client = try credentials("client", role: .client)
        #expect(server.warnings.isEmpty)
        #expect(server.identity.dnsNames == ["localhost"])
        #expect(try handshake(server: server, client: client, name: "localhost"))
    }

    @Test func rolesAndNamesAreVerified() throws {
        let server = try credentials("server")
        let client = try credentials("client")
        #expect(try !handshake(server: server, client: server, name: "localhost"), "a server's certificate is no client's")
        #expect(try !handshake(server: client, client: client, name: "localhost"), "a client's certificate is no server's")
        #expect(try !handshake(server: server, client: client, name: "other.example"))
    }

    @Test func anotherAuthorityIsRefused() throws {
        let other = CertificateDirectory(path: directory.path + "/other")
        let stranger = try CertificateAuthority(name: "Test CA", days: 100)
        try other.save(stranger)
        try other.save(
            stranger.issue(CertificateRequest(name: "client", isClient: true)), as: "client", replacing: false)
        let client = try TLSCredentials(
            certificate: .file(FilePath(other.certificate("client").path)), key: .file(FilePath(other.key("client").path)),
            ca: .file(FilePath(other.certificate("ca").path)))
        #expect(try !handshake(server: credentials("server"), client: client, name: "localhost"))
    }
}
