import Foundation
import SwiftASN1
import Testing
import X509

@testable import CommandLineInterface
@testable import TunnelStages

@Suite struct CertificateAuthorityTests {
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    let authority: CertificateAuthority

    init() throws { authority = try CertificateAuthority(name: "Test CA", days: 100, now: now) }

    private func isCritical(_ certificate: Certificate, _ oid: ASN1ObjectIdentifier) -> Bool? {
        certificate.extensions[oid: oid]?.critical
    }

    @Test func authorityHasTheExtensionsOfOne() throws {
        let certificate = authority.certificate
        #expect(try certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(isCritical(certificate, .X509ExtensionID.basicConstraints) == true)
        #expect(try certificate.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(isCritical(certificate, .X509ExtensionID.keyUsage) == true)
        #expect(try certificate.extensions.subjectKeyIdentifier == SubjectKeyIdentifier(hash: authority.key.publicKey))
        #expect(certificate.publicKey.isValidSignature(certificate.signature, for: certificate))
        #expect(certificate.notValidAfter == now + 100 * 86_400)
    }

    @Test(arguments: [(true, false), (false, true), (true, true)])
    func leafHasTheExtensionsOfItsRole(server: Bool, client: Bool) throws {
        let issued = try authority.issue(
            CertificateRequest(
                name: "leaf", isServer: server, isClient: client, dnsNames: ["A.example", "*.b.example"],
                addresses: ["127.0.0.1", "::1"], uris: ["spiffe://example/leaf"], days: 10),
            now: now)
        let certificate = issued.certificate
        #expect(certificate.issuer == authority.certificate.subject)
        #expect(try certificate.extensions.basicConstraints == .notCertificateAuthority)
        #expect(isCritical(certificate, .X509ExtensionID.basicConstraints) == true)
        #expect(try certificate.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(isCritical(certificate, .X509ExtensionID.keyUsage) == true)
        let usages = try #require(try certificate.extensions.extendedKeyUsage)
        #expect(usages.contains(.serverAuth) == server)
        #expect(usages.contains(.clientAuth) == client)
        #expect(
            try certificate.extensions.authorityKeyIdentifier?.keyIdentifier
                == authority.certificate.extensions.subjectKeyIdentifier?.keyIdentifier)
        #expect(try certificate.extensions.subjectKeyIdentifier == SubjectKeyIdentifier(hash: issued.key.publicKey))
        let names = try #require(try certificate.extensions.subjectAlternativeNames)
        #expect(
            Array(names) == [
                .dnsName("a.example"), .dnsName("*.b.example"),
                .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                .ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
                .uniformResourceIdentifier("spiffe://example/leaf"),
            ])
        #expect(authority.certificate.publicKey.isValidSignature(certificate.signature, for: certificate))
        #expect(certificate.publicKey == issued.key.publicKey)
        #expect(certificate.notValidAfter == now + 10 * 86_400)
        #expect(certificate.notValidBefore <= now)
    }

    @Test func leafEndsWithItsAuthority() throws {
        let issued = try authority.issue(CertificateRequest(name: "leaf", isClient: true, days: 397), now: now)
        #expect(issued.certificate.notValidAfter == authority.certificate.notValidAfter)
        let late = now + 101 * 86_400
        let error = #expect(throws: CertificateCommandError.self) {
            try authority.issue(CertificateRequest(name: "leaf", isClient: true), now: late)
        }
        #expect(error?.message.contains("expired on") == true)
    }

    @Test func serialNumbersArePositiveLongAndDifferent() throws {
        let serials = try (0..<50).map { _ in
            try authority.issue(CertificateRequest(name: "leaf", isClient: true), now: now).certificate.serialNumber
        }
        #expect(Set(serials).count == 50)
        for serial in serials {
            #expect(serial.bytes.count == 20)
            #expect(serial.bytes.first.map { $0 & 0x80 } == 0)
        }
    }

    @Test(arguments: [
        (CertificateRequest(name: "x"), "--server or --client"),
        (CertificateRequest(name: "x", isServer: true), "needs a --dns or --uri name"),
        (CertificateRequest(name: "x", isServer: true, addresses: ["10.0.0.1"]), "needs a --dns or --uri name"),
        (CertificateRequest(name: "x", isServer: true, dnsNames: ["10.0.0.1"]), "'10.0.0.1' is not a DNS name"),
        (CertificateRequest(name: "x", isServer: true, dnsNames: ["a.*.b"]), "'a.*.b' is not a DNS name"),
        (CertificateRequest(name: "x", isServer: true, dnsNames: ["a b"]), "'a b' is not a DNS name"),
        (CertificateRequest(name: "x", isServer: true, dnsNames: [""]), "'' is not a DNS name"),
        (CertificateRequest(name: "x", isClient: true, addresses: ["localhost"]), "'localhost' is not an IP address"),
        (CertificateRequest(name: "x", isClient: true, uris: ["localhost"]), "'localhost' is not a URI"),
        (CertificateRequest(name: "", isClient: true), "1 to 64 characters"),
        (CertificateRequest(name: String(repeating: "x", count: 65), isClient: true), "1 to 64 characters"),
        (CertificateRequest(name: "a\nb", isClient: true), "1 to 64 characters"),
        (CertificateRequest(name: "x", isClient: true, days: 0), "--days is 1 to 36500"),
        (CertificateRequest(name: "x", isClient: true, days: 36_501), "--days is 1 to 36500"),
    ])
    func whatCannotBeCertifiedIsRefused(request: CertificateRequest, message: String) {
        let error = #expect(throws: CertificateCommandError.self) { try authority.issue(request, now: now) }
        #expect(error?.code == .usage)
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func authorityLoadsFromItsOwnPEMOnly() throws {
        let own = IssuedCertificate(certificate: authority.certificate, key: authority.key)
        let loaded = try CertificateAuthority(certificatePEM: own.certificatePEM(), keyPEM: own.keyPEM())
        #expect(loaded.certificate == authority.certificate)

        let leaf = try authority.issue(CertificateRequest(name: "leaf", isClient: true), now: now)
        for (certificate, key, message) in [
            (try own.certificatePEM(), try leaf.keyPEM(), "is not the key of its certificate"),
            (try leaf.certificatePEM(), try leaf.keyPEM(), "is not one of a certificate authority"),
            ("x", try own.keyPEM(), "certificate can't be understood"),
            (try own.certificatePEM(), "x", "key can't be understood"),
        ] {
            let error = #expect(throws: CertificateCommandError.self) {
                try CertificateAuthority(certificatePEM: certificate, keyPEM: key)
            }
            #expect(error?.code == .data)
            #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        }
    }

    @Test func reportSaysWhatTheCertificateSays() throws {
        let issued = try authority.issue(
            CertificateRequest(
                name: "leaf", isServer: true, dnsNames: ["a.example"], addresses: ["10.0.0.1", "2001:db8::1"],
                uris: ["spiffe://example/leaf"], days: 10), now: now)
        let report = try CertificateReport(issued.certificate, now: now).description
        for line in [
            "subject:     CN=leaf\n", "issuer:      CN=Test CA\n", "dns:         a.example\n", "ip:          10.0.0.1\n",
            "ip:          2001:db8::1\n", "uri:         spiffe://example/leaf\n",
            "valid until: 2027-01-25 08:00:00 UTC (10 days left)\n",
            "key:         P256\n", "key hash:    sha256:", "usage:       server; keys: digitalSignature\n",
        ] {
            #expect(report.contains(line), "\(line) in \(report)")
        }
        #expect(try CertificateReport(issued.certificate, now: now + 11 * 86_400).description.contains("(expired)"))
        #expect(try CertificateReport(issued.certificate, now: now - 86_400).description.contains("(not valid yet)"))
        #expect(try CertificateReport(authority.certificate, now: now).description.contains("CN=Test CA (itself)"))
    }
}
