import ConfigurationLanguage
import Crypto
import Foundation
import NIOSSL
import Pipeline
import SwiftASN1
import Testing
import X509

@testable import TunnelStages

@Suite struct TLSCredentialsTests {
    let authority: TestAuthority
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    let subject: DistinguishedName
    let caPath: String
    let keyPath: String
    static let day = TestAuthority.day

    init() throws {
        authority = try TestAuthority()
        subject = try DistinguishedName { CommonName("server") }
        caPath = try authority.write("ca.pem", authority.certificate)
        keyPath = try authority.write("server-key.pem", key: key)
    }

    private func leaf(
        from: TimeInterval = -day, until: TimeInterval = 365 * day, _ extensions: Certificate.Extensions = .init()
    ) throws -> String {
        try authority.write(
            "server.pem", authority.issue(subject, key: key, from: from, until: until, extensions: extensions))
    }

    private func load(
        certificate: String, key: String? = nil, ca: String? = nil, role: TLSCredentials.Role? = nil
    ) throws(StageError) -> TLSCredentials {
        try TLSCredentials(
            certificate: .file(FilePath(certificate)), key: .file(FilePath(key ?? keyPath)), ca: .file(FilePath(ca ?? caPath)),
            role: role, now: TestAuthority.nowSeconds)
    }

    @Test func textsInPlaceOfFiles() throws {
        func text(_ path: String) throws -> PEMSource { .text(Secret(try String(contentsOfFile: path, encoding: .utf8))) }
        let leaf = try leaf()
        let credentials = try TLSCredentials(
            certificate: text(leaf), key: text(keyPath), ca: text(caPath), now: TestAuthority.nowSeconds)
        #expect(credentials.identity.subject == "CN=server" && credentials.warnings.isEmpty)
        try expectError("key", "the text of 'key' has no private key") {
            try TLSCredentials(
                certificate: text(leaf), key: text(caPath), ca: text(caPath), now: TestAuthority.nowSeconds)
        }
        #expect(try "\(text(keyPath))" == Secret.redacted)
    }

    private func expectError(
        _ key: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> TLSCredentials
    ) throws {
        let error = #expect(throws: StageError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.key == key, sourceLocation: sourceLocation)
        #expect(error?.code == .configuration, sourceLocation: sourceLocation)
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
    }

    @Test func goodFilesLoadAndMakeContexts() throws {
        let names = SubjectAlternativeNames([
            .dnsName("tunnel.example.org"), .uniformResourceIdentifier("spiffe://example.org/server"),
        ])
        let credentials = try load(certificate: leaf(Certificate.Extensions { names }))
        #expect(credentials.warnings.isEmpty)
        #expect(credentials.notAfter == TestAuthority.nowSeconds + 365 * 86_400)
        #expect(credentials.identity.subject == "CN=server")
        #expect(credentials.identity.dnsNames == ["tunnel.example.org"])
        #expect(credentials.identity.uris == ["spiffe://example.org/server"])
        #expect(credentials.certificateChain.count == 1)

        var server = TLSConfiguration.makeServerConfigurationWithMTLS(
            certificateChain: credentials.certificateChain, privateKey: credentials.privateKey,
            trustRoots: credentials.trustRoots)
        server.minimumTLSVersion = .tlsv13
        _ = try NIOSSLContext(configuration: server)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = credentials.certificateChain
        client.privateKey = credentials.privateKey
        client.trustRoots = credentials.trustRoots
        _ = try NIOSSLContext(configuration: client)
    }

    @Test func missingFileIsSaidAtItsKey() throws {
        let missing = authority.directory.path + "/missing.pem"
        let certificate = try leaf()
        try expectError("certificate", "\(missing) doesn't exist") { try load(certificate: missing) }
        try expectError("key", "doesn't exist") { try load(certificate: certificate, key: missing) }
        try expectError("ca", "doesn't exist") { try load(certificate: certificate, ca: missing) }
    }

    @Test func directoryFIFOAndEmptyFileAreNoFiles() throws {
        try expectError("certificate", "is not a file") { try load(certificate: authority.directory.path) }
        let fifo = authority.directory.path + "/fifo"
        #expect(mkfifo(fifo, 0o600) == 0)
        try expectError("certificate", "is not a file") { try load(certificate: fifo) }
        try expectError("certificate", "is empty") { try load(certificate: authority.write("empty.pem", text: "")) }
    }

    @Test(.enabled(if: geteuid() != 0, "root can read every file"))
    func unreadableFileIsSaid() throws {
        let path = try authority.write("secret.pem", text: "x", mode: 0)
        try expectError("certificate", "can't be read: Permission denied") { try load(certificate: path) }
    }

    @Test func textThatIsNoPEMIsRefused() throws {
        let text = try authority.write("text.pem", text: "hello")
        let broken = try authority.write("broken.pem", text: "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
        let garbage = try authority.write("garbage.pem", text: PEMDocument(type: "CERTIFICATE", derBytes: [1, 2, 3]).pemString)
        let garbageKey = try authority.write(
            "garbage-key.pem", text: PEMDocument(type: "PRIVATE KEY", derBytes: [1, 2, 3]).pemString)
        let encrypted = try authority.write(
            "encrypted.pem", text: PEMDocument(type: "ENCRYPTED PRIVATE KEY", derBytes: [1]).pemString)
        let certificate = try leaf()
        try expectError("certificate", "is not a PEM file") { try load(certificate: text) }
        try expectError("certificate", "is not a PEM file") { try load(certificate: broken) }
        try expectError("certificate", "has a certificate that can't be understood") { try load(certificate: garbage) }
        try expectError("certificate", "has no certificate, only: ") { try load(certificate: keyPath) }
        try expectError("key", "has no private key, only: CERTIFICATE") { try load(certificate: certificate, key: caPath) }
        try expectError("key", "has a private key that can't be used") { try load(certificate: certificate, key: garbageKey) }
        try expectError("key", "is encrypted") { try load(certificate: certificate, key: encrypted) }
        try expectError("ca", "is not a PEM file") { try load(certificate: certificate, ca: text) }
    }

    @Test func keyOfAnotherCertificateIsRefused() throws {
        let other = try authority.write("other-key.pem", key: Certificate.PrivateKey(P256.Signing.PrivateKey()))
        try expectError("key", "is not the key of the certificate") { try load(certificate: leaf(), key: other) }
    }

    @Test func expiredAndFutureCertificatesAreRefused() throws {
        try expectError("certificate", "expired on 2027-01-14 ") {
            try load(certificate: leaf(from: -3 * Self.day, until: -Self.day))
        }
        try expectError("certificate", "isn't valid before 2027-01-16 ") { try load(certificate: leaf(from: Self.day)) }
    }

    @Test func expiredAndFutureAuthoritiesAreRefused() throws {
        for (from, until, text) in [(-3, -1, "expired on"), (1, 3, "isn't valid before")] as [(Double, Double, String)] {
            let other = try TestAuthority(from: from * Self.day, until: until * Self.day)
            let certificate = try other.write("server.pem", other.issue(subject, key: key))
            let ca = try other.write("ca.pem", other.certificate)
            try expectError("ca", text) { try load(certificate: certificate, ca: ca) }
        }
    }

    @Test func leafOfAnotherAuthorityIsRefused() throws {
        // The same name, another key: only the signature tells.
        let other = try TestAuthority()
        let ca = try other.write("ca.pem", other.certificate)
        try expectError("certificate", "was not issued by the certificate authority in \(ca): its issuer is CN=Test CA") {
            try load(certificate: leaf(), ca: ca)
        }
    }

    @Test func authorityThatIsNoneIsRefused() throws {
        let other = try TestAuthority(isAuthority: false)
        let certificate = try other.write("server.pem", other.issue(subject, key: key))
        try expectError("ca", "no certificate authority's: CN=Test CA") {
            try load(certificate: certificate, ca: other.write("ca.pem", other.certificate))
        }
    }

    @Test func certificateForTheOtherSideIsRefused() throws {
        let client = try leaf(Certificate.Extensions { try ExtendedKeyUsage([.clientAuth]) })
        try expectError("certificate", "is not a server's certificate") { try load(certificate: client, role: .server) }
        _ = try load(certificate: client, role: .client)
        let server = try leaf(Certificate.Extensions { try ExtendedKeyUsage([.serverAuth]) })
        try expectError("certificate", "is not a client's certificate") { try load(certificate: server, role: .client) }
        _ = try load(certificate: server, role: .server)
        _ = try load(certificate: leaf(), role: .server)
    }

    @Test func chainOverAnIntermediateLoads() throws {
        let middle = try TestAuthority("Intermediate")
        let middleCertificate = try authority.issue(
            middle.name, key: middle.key, until: 100 * Self.day,
            extensions: Certificate.Extensions { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0)) })
        let leaf = try middle.issue(subject, key: key)
        let credentials = try load(certificate: middle.write("chain.pem", leaf, middleCertificate))
        #expect(credentials.certificateChain.count == 2)
        #expect(credentials.notAfter == TestAuthority.nowSeconds + 100 * 86_400)
        try expectError("certificate", "was not issued by") { try load(certificate: middle.write("leaf.pem", leaf)) }
    }

    @Test func keyThatOthersCanReadWarns() throws {
        for (mode, warns) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o644, true)] {
            let path = try authority.write("key-\(mode).pem", key: key, mode: mode)
            let warnings = try load(certificate: leaf(), key: path).warnings
            #expect(warnings.contains { $0.contains("chmod 600 \(path)") } == warns, "mode \(String(mode, radix: 8))")
        }
    }

    @Test func expiryWithinThirtyDaysWarns() throws {
        #expect(try load(certificate: leaf(until: 31 * Self.day)).warnings.isEmpty)
        let soon = try load(certificate: leaf(until: 29 * Self.day)).warnings
        #expect(soon.count == 1)
        #expect(soon[0].contains("expires on 2027-02-13 "))
        #expect(soon[0].contains("fluidity cert issue"))
    }

    @Test func authorityThatExpiresSoonWarnsAndAnOldOneInTheBundleToo() throws {
        let other = try TestAuthority(until: 10 * Self.day)
        let old = try TestAuthority("Old CA", from: -20 * Self.day, until: -10 * Self.day)
        let certificate = try other.write("server.pem", other.issue(subject, key: key))
        let warnings = try load(certificate: certificate, ca: other.write("ca.pem", other.certificate, old.certificate))
            .warnings
        #expect(warnings.contains { $0.contains("CN=Test CA expires on") && $0.contains("fluidity cert init") })
        #expect(warnings.contains { $0.contains("CN=Old CA, that expired on") })
        #expect(warnings.count == 2)
    }
}
