import Crypto
import NIOSSL
import Pipeline
import Platform
import SwiftASN1
import Testing
import X509

@testable import TunnelStages

@Suite struct PeerIdentityTests {
    let authority: TestAuthority
    let cryptoKey = P256.Signing.PrivateKey()
    var key: Certificate.PrivateKey { Certificate.PrivateKey(cryptoKey) }

    init() throws { authority = try TestAuthority() }

    private func native(_ subject: DistinguishedName, _ names: [GeneralName] = []) throws -> NIOSSLCertificate {
        let certificate = try authority.issue(
            subject, key: key, extensions: Certificate.Extensions { if !names.isEmpty { SubjectAlternativeNames(names) } })
        return try NIOSSLCertificate(bytes: certificate.serializeAsPEM().derBytes, format: .der)
    }

    @Test func everyPartIsFound() throws {
        let subject = try DistinguishedName {
            CountryName("NL")
            OrganizationName("Example, Inc.")
            CommonName("laptop")
        }
        let identity = try PeerIdentity(
            native(
                subject, [.dnsName("a.example"), .uniformResourceIdentifier("spiffe://example/b"), .rfc822Name("c@example")]))
        #expect(identity.subject == #"CN=laptop,O=Example\, Inc.,C=NL"#)
        #expect(identity.commonName == "laptop")
        #expect(identity.dnsNames == ["a.example"])
        #expect(identity.uris == ["spiffe://example/b"])
        #expect(identity.publicKeyHash == Hexadecimal.string(SHA256.hash(data: cryptoKey.publicKey.derRepresentation)))
        #expect(identity.publicKeyHash.count == 64)
    }

    @Test(arguments: [
        ("plain", "plain"),
        (" both ", #"\ both\ "#),
        ("#1", "\\#1"),
        ("a#1 b", "a#1 b"),
        (#"a,b+c"d\e<f>g;h=i"#, #"a\,b\+c\"d\\e\<f\>g\;h=i"#),
        ("a\nb\0c\u{1b}[2J", #"a\0ab\00c\1b[2J"#),
        ("right\u{202E}left", #"right\e2\80\aeleft"#),
        ("Zürich", "Zürich"),
        ("", ""),
        (" ", #"\ "#),
    ])
    func subjectIsEscaped(value: String, text: String) throws {
        let name = try DistinguishedName([.init(type: .RDNAttributeType.commonName, utf8String: value)])
        #expect(name.rfc4514 == "CN=\(text)")
    }

    @Test func partsOfOneLevelAndUnknownTypesAreShown() throws {
        let name = DistinguishedName([
            RelativeDistinguishedName([
                .init(type: .RDNAttributeType.commonName, utf8String: "a"), .init(type: [1, 2, 3, 4], utf8String: "b"),
            ])
        ])
        #expect(Set(name.rfc4514.split(separator: "+")) == ["CN=a", "1.2.3.4=#0c0162"])
        #expect(DistinguishedName().rfc4514 == "")
        #expect(DistinguishedName().commonName == nil)
    }

    @Test func namesThatCouldDeceiveAreLeftOut() throws {
        let subject = try DistinguishedName { CommonName("x\r\nlevel=error") }
        let identity = try PeerIdentity(
            native(
                subject,
                [.dnsName("good.example\0.evil.example"), .dnsName("two words"), .uniformResourceIdentifier("a://b\nc")]))
        #expect(identity.dnsNames.isEmpty)
        #expect(identity.uris.isEmpty)
        #expect(identity.commonName == #"x\0d\0alevel=error"#)
    }

    /// Whatever bytes are changed, the outcome is an identity or an error, never a trap.
    @Test func damagedCertificatesNeverTrap() throws {
        let subject = try DistinguishedName { CommonName("laptop") }
        let names: [GeneralName] = [.dnsName("a.example"), .uniformResourceIdentifier("spiffe://example/b")]
        let bytes = try native(subject, names).toDERBytes()
        var generator = SystemRandomNumberGenerator()
        var understood = 0
        for index in bytes.indices {
            for value in [0, 0x7F, 0x80, 0xFF, bytes[index] ^ 1, UInt8.random(in: 0...255, using: &generator)] {
                var damaged = bytes
                damaged[index] = value
                if let certificate = try? NIOSSLCertificate(bytes: damaged, format: .der),
                    (try? PeerIdentity(certificate)) != nil
                {
                    understood += 1
                }
                _ = try? PeerIdentity(Certificate(derEncoded: damaged))
            }
            _ = try? PeerIdentity(Certificate(derEncoded: Array(bytes[..<index])))
        }
        #expect(understood > 0, "most of a certificate's bytes can be any")
        #expect(understood < bytes.count * 6)
    }
}
