import ConfigurationLanguage
import Logging
import NIOSSL
import Pipeline
import SwiftASN1
import Synchronization

/// What enrolment works with: TLS without certificates of clients, the authority, the invitations. The files are read again when they change.
final class EnrolmentDesk: Sendable {
    private struct Current {
        var tls: NIOSSLContext
        var enroller: Enroller
    }

    let logger: Logger
    private let configuration: EnrolConfiguration
    private let current: Mutex<Current>
    private let watch: PEMWatch

    init(_ configuration: EnrolConfiguration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        // Looked at before they are read: a change in between is found by the next look.
        watch = PEMWatch([configuration.certificate, configuration.key, configuration.ca, configuration.caKey].compactMap { $0 })
        current = Mutex(try Self.load(configuration))
    }

    var tls: NIOSSLContext { current.withLock { $0.tls } }
    var enroller: Enroller { current.withLock { $0.enroller } }

    func start() { watch.start { [weak self] in self?.refresh() } }

    func stop() { watch.stop() }

    /// Reads the files again if they have changed. What can't work leaves the old in use.
    func refresh() {
        let failure = watch.look {
            let new = try Self.load(configuration)
            current.withLock { $0 = new }
            logger.notice("enrolment goes on with the changed certificates")
        }
        // Certificate and key may be replaced one after the other.
        if let failure {
            logger.warning("enrolment goes on with the certificates that it had", metadata: ["reason": "\(failure)"])
        }
    }

    private static func load(_ configuration: EnrolConfiguration) throws -> Current {
        guard let certificate = configuration.certificate, let key = configuration.key, let ca = configuration.ca,
            let caKey = configuration.caKey, let invitations = configuration.invitations
        else { throw StageError(.configuration, "the desk's certificates, keys and invitations aren't all named") }
        let credentials = try TLSCredentials(certificate: certificate, key: key, ca: ca, role: .server)
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
                authority: try authority(ca, key: caKey), store: InvitationStore(directory: invitations.path),
                roster: configuration.agents.map { Roster(path: $0.path) },
                serverName: name))
    }

    private static func authority(_ ca: PEMSource, key caKey: PEMSource) throws(StageError) -> CertificateAuthority {
        let certificate = try PEMFile(ca, key: "ca")
        let key = try PEMFile(caKey, key: "ca-key")
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
