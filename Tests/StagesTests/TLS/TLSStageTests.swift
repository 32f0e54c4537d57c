import ConfigurationLanguage
import Crypto
import Foundation
import Logging
import NIOSSL
import Pipeline
import SwiftASN1
import Testing
import X509

@testable import TunnelStages

/// What `tls` can be told on either side, and what it says of files that can't work.
@Suite struct TLSStageTests {
    private let authority: TestAuthority
    private let certificate: PEMSource
    private let key: PEMSource

    init() throws {
        authority = try TestAuthority(from: -1_000 * TestAuthority.day)
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let leaf = try authority.issue(
            DistinguishedName { CommonName("www") }, key: key, from: -1_000 * TestAuthority.day,
            extensions: Certificate.Extensions { SubjectAlternativeNames([.dnsName("www.example.org")]) })
        certificate = .file(FilePath(try authority.write("www.pem", leaf)))
        self.key = .file(FilePath(try authority.write("www-key.pem", key: key)))
    }

    private func make(_ side: any Medium.Type, _ change: (inout TLSStageConfiguration) -> Void) throws -> any Stage {
        var configuration = TLSStageConfiguration()
        change(&configuration)
        let form = side == Inbound.self ? StageForm(.inbound, .inbound) : StageForm(.outbound, .outbound)
        let context = StageContext(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, host: .server)
        return try TLSFactory().make(configuration, form: form, context: context)
    }

    private func expectError(
        _ side: any Medium.Type, _ key: String?, _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ change: (inout TLSStageConfiguration) -> Void
    ) {
        let error = #expect(throws: StageError.self, sourceLocation: sourceLocation) { try make(side, change) }
        #expect(error?.code == .configuration && error?.key == key, sourceLocation: sourceLocation)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
    }

    @Test func aServerShowsACertificate() async throws {
        let stage = try make(Inbound.self) {
            $0.certificate = certificate
            $0.key = key
        }
        #expect(await stage.status().details.map(\.name) == ["certificate expires"])
        expectError(Inbound.self, nil, "needs the keys 'certificate' and 'key'") { _ in }
        expectError(Inbound.self, "ca", "'ca' is for the side that opens connections") { $0.ca = certificate }
        expectError(Inbound.self, "name", "'name' is for the side that opens connections") { $0.name = "www.example.org" }
    }

    @Test func aClientMayShowOne() async throws {
        let plain = try make(Outbound.self) { _ in }
        #expect(await plain.status().details.isEmpty)
        let known = try make(Outbound.self) {
            $0.ca = certificate
            $0.certificate = certificate
            $0.key = key
        }
        #expect(await known.status().details.map(\.name) == ["certificate expires"])
        expectError(Outbound.self, "ca", "is not a PEM file") { $0.ca = .text(Secret("nothing")) }
    }

    /// Whatever side of TLS it is, and whichever stage.
    @Test(arguments: ["server", "client", "mutual server", "mutual client"])
    func aReplacedCertificateIsRecorded(side: String) async throws {
        let log = authority.directory.appendingPathComponent("audit.jsonl").path
        let audit = AuditLog(to: .file(log))
        try audit.open()
        var context = StageContext(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, host: .server)
        context.audit = audit
        let leafKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
        func leaf(days: Double) throws -> Certificate {
            try authority.issue(
                DistinguishedName { CommonName("own") }, key: leafKey, from: -1_000 * TestAuthority.day,
                until: days * TestAuthority.day,
                extensions: Certificate.Extensions { SubjectAlternativeNames([.dnsName("own.example")]) })
        }
        let own = try authority.write("own.pem", leaf(days: 365))
        let ownKey = FilePath(try authority.write("own-key.pem", key: leafKey))
        let form = side.hasSuffix("server") ? StageForm(.inbound, .inbound) : StageForm(.outbound, .outbound)
        let stage: any Stage
        if side.hasPrefix("mutual") {
            let configuration = MTLSConfiguration(
                certificate: .file(FilePath(own)), key: .file(ownKey),
                ca: .file(FilePath(try authority.write("ca.pem", authority.certificate))))
            stage = try MTLSFactory().make(configuration, form: form, context: context)
        } else {
            var configuration = TLSStageConfiguration()
            (configuration.certificate, configuration.key) = (.file(FilePath(own)), .file(ownKey))
            stage = try TLSFactory().make(configuration, form: form, context: context)
        }
        _ = try authority.write("own.pem", leaf(days: 366))
        await stage.reopenFiles()
        await audit.finish()
        let records = try String(contentsOfFile: log, encoding: .utf8)
        #expect(records.contains("\"event\":\"certificate-replaced\"") && records.contains("own.pem"), "\(records)")
    }

    /// Of a certificate that somebody else makes, nobody is told that our command renews it.
    @Test func whatIsWrongWithACertificate() throws {
        let other = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let otherKey = PEMSource.file(FilePath(try authority.write("other-key.pem", key: other)))
        expectError(Inbound.self, "key", "is not the key of the certificate") {
            $0.certificate = certificate
            $0.key = otherKey
        }
        let old = try authority.issue(
            DistinguishedName { CommonName("old") }, key: other, from: -2_000 * TestAuthority.day, until: -1_500 * TestAuthority.day
        )
        let expired = PEMSource.file(FilePath(try authority.write("old.pem", old)))
        let error = #expect(throws: StageError.self) {
            try make(Inbound.self) {
                $0.certificate = expired
                $0.key = otherKey
            }
        }
        #expect(error?.key == "certificate" && error?.message.contains("expired on 20") == true)
        #expect(error?.message.contains("fluidity cert") == false)
        let client = try authority.issue(
            DistinguishedName { CommonName("client") }, key: other, from: -1_000 * TestAuthority.day,
            extensions: Certificate.Extensions { try ExtendedKeyUsage([.clientAuth]) })
        let clients = PEMSource.file(FilePath(try authority.write("client.pem", client)))
        expectError(Inbound.self, "certificate", "is not a server's certificate") {
            $0.certificate = clients
            $0.key = otherKey
        }
    }

    @Test func whatAFileCannotSay() {
        func problems(_ change: (inout TLSStageConfiguration) -> Void) -> [String] {
            var configuration = TLSStageConfiguration()
            change(&configuration)
            return configuration.validate().map { "\($0.key ?? ""): \($0.message)" }
        }
        #expect(problems { $0.certificate = certificate } == ["certificate: 'certificate' is of no use without 'key'"])
        #expect(problems { $0.key = key } == ["key: 'key' is of no use without 'certificate'"])
        #expect(problems { $0.name = "192.0.2.1" } == ["name: '192.0.2.1' is no DNS name"])
        #expect(problems { $0.name = "spiffe://a/b" } == ["name: 'spiffe://a/b' is no DNS name"])
        #expect(problems { $0.name = "www.example.org" }.isEmpty)
    }

    /// What a person is told of a certificate that isn't verified, by who shows certificates.
    @Test func anUnknownAuthorityIsNamed() throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let leaf = try authority.issue(
            DistinguishedName { CommonName("www") }, key: key,
            extensions: Certificate.Extensions { try ExtendedKeyUsage([.serverAuth]) })
        var serializer = DER.Serializer()
        try serializer.serialize(leaf)
        let shown = try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
        func says(_ parties: TLSParties, _ authorities: [NIOSSLCertificate] = []) -> String {
            UntrustedCertificate.describe(
                shown, of: .server, in: parties, dialled: "www.example.org", authorities: authorities, now: TestAuthority.nowSeconds
            )
        }
        let other = try TestAuthority("Other CA")
        var otherBytes = DER.Serializer()
        try otherBytes.serialize(other.certificate)
        let others = [try NIOSSLCertificate(bytes: otherBytes.serializedBytes, format: .der)]
        let whose = "the certificate of the server, CN=www, was issued by CN=Test CA, which is no authority"
        #expect(
            says(.mutual, others).hasPrefix(
                "\(whose) in 'ca': either somebody between here and the server opens TLS, and has to let "))
        #expect(says(.mutual, others).contains("'websocket' and 'tls' behind 'mtls'"))
        #expect(
            says(.ordinary).hasPrefix("\(whose) that this machine trusts: either somebody between here and the server opens TLS"))
        #expect(says(.ordinary, others).hasPrefix("\(whose) in 'ca': "))
    }
}
