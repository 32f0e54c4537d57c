import Pipeline
import SwiftASN1
import TunnelStages
import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What a server has that nobody has set up by hand: an authority, a certificate of it, and a configuration that lets others join. What is there
/// already stays as it is, so that what was interrupted is finished when it is done again.
struct NewServer {
    /// The name in the certificate of a server that is known by no other: agents expect it wherever the server is.
    static let name = "fluidity-server"
    private static let certificate = "server"

    /// Where everything is kept.
    let folder: String

    private var certificates: CertificateDirectory { CertificateDirectory(path: "\(folder)/certs") }

    /// The configuration's path.
    var configuration: String { "\(folder)/server.yaml" }

    /// Makes what is missing.
    ///
    /// - Parameters:
    ///   - names: DNS names that the certificate has beside its own.
    ///   - listen: The address and port that the server listens on.
    func make(names: [String], listen: String) throws {
        do {
            try PrivateFile.makeDirectory(URL(fileURLWithPath: folder, isDirectory: true))
            let authorityName = CertificateDirectory.authorityName
            if !FileManager.default.fileExists(atPath: certificates.certificate(authorityName).path) {
                try makeAuthority()
                Reporting.write("made an authority: \(certificates.certificate(authorityName).path)")
            }
            if !FileManager.default.fileExists(atPath: certificates.certificate(Self.certificate).path) {
                let issued = try certificates.loadAuthority().issue(
                    CertificateRequest(name: "server", isServer: true, dnsNames: [Self.name] + names, days: 3_650))
                try certificates.save(issued, as: Self.certificate, replacing: true)
                Reporting.write("made the server's certificate: \(certificates.certificate(Self.certificate).path)")
            }
            for kept in ["invitations", "agents"] {
                try PrivateFile.makeDirectory(URL(fileURLWithPath: "\(folder)/\(kept)", isDirectory: true))
            }
            // Last: whoever finds it finds all that it names.
            try PrivateFile.write([(URL(fileURLWithPath: configuration), text(listen))])
            Reporting.write("made the configuration: \(configuration)")
        } catch let error as CertificateCommandError {
            throw StageError(.unavailable, error.message)
        }
    }

    /// Where somebody was interrupted, the key may be there alone: then it is that one's certificate that is missing, and what the key may have
    /// signed stays good.
    private func makeAuthority() throws {
        let (name, days) = ("Fluidity private CA", 3_650)
        let file = certificates.key(CertificateDirectory.authorityName)
        guard FileManager.default.fileExists(atPath: file.path) else {
            return try certificates.save(try CertificateAuthority(name: name, days: days))
        }
        guard let key = try? Certificate.PrivateKey(pemEncoded: PrivateFile.read(file)) else {
            throw CertificateCommandError(.data, "\(file.path) is no key: move it away")
        }
        let authority = try CertificateAuthority(name: name, days: days, key: key)
        try PrivateFile.write([
            (
                certificates.certificate(CertificateDirectory.authorityName),
                try authority.certificate.serializeAsPEM().pemString + "\n"
            )
        ])
    }

    private func text(_ listen: String) -> String {
        """
        # The server: takes the sessions of agents and fetches what they ask for. 'fluidity stages fetch' says what else it can.
        host: server

        pipeline:
          - accept: { listen: "\(listen)" }
          # Machines that 'fluidity invite' has invited get their certificates here.
          - enrol:
              certificate: certs/server.pem
              key: certs/server-key.pem
              ca: certs/ca.pem
              ca-key: certs/ca-key.pem
              invitations: invitations
              agents: agents
          # All others show one. 'fluidity agents' lists them, and revokes.
          - mtls: { certificate: certs/server.pem, key: certs/server-key.pem, ca: certs/ca.pem, agents: agents }
          - frame: { codec: mux }
          # Only public addresses; loopback, private networks and the cloud's metadata are refused.
          - fetch: { destinations: public }

        """
    }
}
