import Crypto
import Foundation
import Pipeline
import StageTesting
import Stages
import SwiftASN1
import Testing
import X509

/// Every stage that comes with the program keeps what stages promise.
@Suite struct ConformanceTests {
    /// Where an example of the reference names what a test must not touch: a port, a server, files.
    private static let examples = [
        "accept": "- accept: { listen: \"127.0.0.1:0\" }",
        "connect": "- connect: { to: \"127.0.0.1:1\" }",
        "enrol": "- enrol: { certificate: leaf.pem, key: leaf-key.pem, ca: ca.pem, ca-key: ca-key.pem, invitations: invitations }",
        "mtls": "- mtls: { certificate: leaf.pem, key: leaf-key.pem, ca: ca.pem }",
        "tls": "- tls: { certificate: leaf.pem, key: leaf-key.pem }",
        "entrances": """
        - entrances:
            ways:
              - { name: one, stages: [{ accept: { listen: "127.0.0.1:0" } }, http] }
              - { name: two, stages: [{ accept: { listen: "127.0.0.1:0" } }, { forward: { to: "127.0.0.1:1" } }] }
        """,
        // CloudWatch isn't told.
        "metrics": "- metrics",
    ]

    /// A pipeline of handlers may have every filter, whichever program runs it.
    @Test func everyFilterIsAmongTheHandlers() {
        let standard = StageRegistry.standard()
        let filters = standard.factories.filter { type(of: $0).forms.contains(StageForm(.exchange, .exchange)) }
            .map { type(of: $0).name }
        #expect(filters.count >= 10)
        #expect(Set(filters).isSubset(of: StageRegistry.handlers().names))
        #expect(Set(StageRegistry.handlers().names).isSubset(of: standard.names))
    }

    @Test(arguments: StageRegistry.standard().names)
    func builtInStage(_ name: String) async throws {
        let factory = try #require(StageRegistry.standard().factory(named: name))
        try await check(factory)
    }

    private func check<Factory: StageFactory>(_ factory: Factory) async throws {
        // With a name, for those that let nobody pass without.
        let certificate = PeerIdentity(
            subject: "CN=ann", commonName: "ann", dnsNames: [], uris: [], publicKeyHash: String(repeating: "0", count: 64))
        // At an address, so that no name is looked up; 'fetch' refuses it by itself.
        let url = Factory.name == "fetch" ? "http://127.0.0.1:1/" : "http://example.com/"
        let authority = try authority()
        try await StageConformance(
            factory, example: Self.examples[Factory.name], directory: authority.directory.path,
            request: TestRequest("GET", url, certificate: certificate), others: .standard()
        ).check()
    }

    /// Certificates that are good now and for both sides.
    private func authority() throws -> TestAuthority {
        let authority = try TestAuthority(from: -1_000 * TestAuthority.day)
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let leaf = try authority.issue(
            DistinguishedName { CommonName("leaf") }, key: key, from: -1_000 * TestAuthority.day,
            extensions: Certificate.Extensions { SubjectAlternativeNames([.dnsName("localhost")]) })
        _ = try authority.write("ca.pem", authority.certificate)
        _ = try authority.write("ca-key.pem", key: authority.key)
        _ = try authority.write("leaf.pem", leaf)
        _ = try authority.write("leaf-key.pem", key: key)
        return authority
    }
}
