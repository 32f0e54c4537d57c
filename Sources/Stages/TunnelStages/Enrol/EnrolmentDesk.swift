import Logging
import NIOSSL
import Pipeline
import SwiftASN1
import Synchronization

/// What enrolment works with: TLS without certificates of clients, the authority, the invitations. Read again when the files change.
final class EnrolmentDesk: Sendable {
    private struct Current {
        var tls: NIOSSLContext
        var enroller: Enroller
    }

    let logger: Logger
    private let configuration: EnrolConfiguration
    private let current: Mutex<Current>

    init(_ configuration: EnrolConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        current = Mutex(try Self.load(configuration))
    }

    var tls: NIOSSLContext { current.withLock { $0.tls } }
    var enroller: Enroller { current.withLock { $0.enroller } }

    /// Reads the files again. What can't work leaves the old in use.
    func refresh() {
        do {
            let new = try Self.load(configuration)
            current.withLock { $0 = new }
        } catch {
            logger.warning("enrolment goes on with the certificates that it had", metadata: ["reason": "\(error)"])
        }
    }

    private static func load(_ configuration: EnrolConfiguration) throws -> Current {
        let credentials = try TLSCredentials(
            certificate: configuration.certificate, key: configuration.key, ca: configuration.ca, role: .server)
        guard let name = credentials.identity.dnsNames.first ?? credentials.identity.uris.first else {
            throw StageError(
                .configuration, "the server's certificate has no name by which agents could know it", key: "certificate")
        }
        // Who joins knows the authority by its fingerprint alone, and has to be shown it.
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: (credentials.certificates + credentials.authorities).map { .certificate($0) },
            privateKey: credentials.privateKey)
        tls.certificateVerification = .none
        tls.minimumTLSVersion = .tlsv13
        tls.applicationProtocols = [EnrolMessage.protocolName]
        return Current(
            tls: try NIOSSLContext(configuration: tls),
            enroller: Enroller(
                authority: try authority(configuration), store: InvitationStore(directory: configuration.invitations.path),
                serverName: name))
    }

    private static func authority(_ configuration: EnrolConfiguration) throws(StageError) -> CertificateAuthority {
        let certificate = try PEMFile(configuration.ca, key: "ca")
        let key = try PEMFile(configuration.caKey, key: "ca-key")
        guard let keyDocument = key.documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }) else {
            throw key.error("has no private key")
        }
        do {
            return try CertificateAuthority(certificatePEM: certificate.documents[0].pemString, keyPEM: keyDocument.pemString)
        } catch {
            throw StageError(.configuration, error.message, key: "ca-key")
        }
    }
}
