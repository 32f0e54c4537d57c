import Crypto
import Foundation
import Pipeline
import SwiftASN1
import Testing
import X509

@testable import TunnelStages

/// What no check here knows of is found by a handshake, when the program starts.
@Suite struct TrialHandshakeTests {
    /// Certificates that are valid now, whenever that is.
    private static let offset = Date().timeIntervalSince1970 - TestAuthority.now.timeIntervalSince1970
    private let authority: TestAuthority
    private let caPath: String

    init() throws {
        authority = try TestAuthority(from: Self.offset - TestAuthority.day, until: Self.offset + 100 * TestAuthority.day)
        caPath = try authority.write("ca.pem", authority.certificate)
    }

    private func issue(
        _ name: String, by issuer: TestAuthority, key: Certificate.PrivateKey, _ extensions: Certificate.Extensions = .init()
    ) throws -> Certificate {
        try issuer.issue(
            DistinguishedName { CommonName(name) }, key: key, from: Self.offset - TestAuthority.day,
            until: Self.offset + 90 * TestAuthority.day, extensions: extensions)
    }

    private func load(
        _ chain: [Certificate], key: Certificate.PrivateKey, ca: String? = nil, role: TLSCredentials.Role
    ) throws(StageError) -> TLSCredentials {
        do {
            let text = try chain.map { try $0.serializeAsPEM().pemString }.joined(separator: "\n")
            return try TLSCredentials(
                certificate: .file(FilePath(authority.write("leaf.pem", text: text))),
                key: .file(FilePath(authority.write("leaf-key.pem", key: key))), ca: .file(FilePath(ca ?? caPath)), role: role)
        } catch let error as StageError {
            throw error
        } catch {
            throw StageError(.unavailable, "\(error)")
        }
    }

    private static let keys: [(String, Certificate.PrivateKey)] = [
        ("P-256", .init(P256.Signing.PrivateKey())), ("P-384", .init(P384.Signing.PrivateKey())),
        ("P-521", .init(P521.Signing.PrivateKey())), ("Ed25519", .init(Curve25519.Signing.PrivateKey())),
    ]

    @Test(arguments: [TLSCredentials.Role.server, .client])
    func `Keys of every kind`(role: TLSCredentials.Role) throws {
        for (name, key) in Self.keys {
            _ = try load([issue("leaf", by: authority, key: key)], key: key, role: role)
            // The authority's key as well.
            let own = try TestAuthority(
                name, key: key, from: Self.offset - TestAuthority.day, until: Self.offset + 100 * TestAuthority.day)
            let leaf = Certificate.PrivateKey(P256.Signing.PrivateKey())
            _ = try load([issue("leaf", by: own, key: leaf)], key: leaf, ca: own.write("ca.pem", own.certificate), role: role)
        }
    }

    @Test func `A path that is longer than it may be`() throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let (upper, lower) = (try TestAuthority("Upper"), try TestAuthority("Lower"))
        let upperCertificate = try issue(
            "Upper", by: authority, key: upper.key,
            Certificate.Extensions { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0)) })
        let lowerCertificate = try issue(
            "Lower", by: upper, key: lower.key,
            Certificate.Extensions { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil)) })
        let error = #expect(throws: StageError.self) {
            try load([issue("leaf", by: lower, key: key), lowerCertificate, upperCertificate], key: key, role: .server)
        }
        #expect(
            error?.key == "certificate" && error?.message.contains("the TLS library doesn't verify it") == true,
            "\(error?.message ?? "")")
    }

    @Test(arguments: [TLSCredentials.Role.server, .client])
    func `An authority that may not sign certificates`(role: TLSCredentials.Role) throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let middle = try TestAuthority("Middle")
        let certificate = try issue(
            "Middle", by: authority, key: middle.key,
            Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(digitalSignature: true))
            })
        let error = #expect(throws: StageError.self) {
            try load([issue("leaf", by: middle, key: key), certificate], key: key, role: role)
        }
        #expect(error?.message.contains("the TLS library doesn't verify it") == true, "\(error?.message ?? "")")
    }

    @Test func `A subordinate authority needs the one above it`() throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let middle = try TestAuthority("Middle")
        let certificate = try issue(
            "Middle", by: authority, key: middle.key,
            Certificate.Extensions { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil)) })
        let leaf = try issue("leaf", by: middle, key: key)
        let alone = try middle.write("ca.pem", certificate)
        let error = #expect(throws: StageError.self) { try load([leaf], key: key, ca: alone, role: .server) }
        #expect(error?.key == "ca")
        #expect(
            error?.message
                == "\(alone) has a subordinate authority, CN=Middle, without the authority that it comes from: add the certificate of CN=Test CA"
        )
        _ = try load([leaf], key: key, ca: middle.write("both.pem", certificate, authority.certificate), role: .server)
        _ = try load([leaf, certificate], key: key, role: .server)
    }
}
