import ConfigurationLanguage
import Crypto
import Pipeline
import SwiftASN1
import TunnelStages
import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What an agent has that has joined: its key, its certificate, the authority's, and a configuration.
struct JoinedAgent {
    let folder: String
    let line: InvitationLine
    let via: String?
    let listen: String

    private var certificates: CertificateDirectory { CertificateDirectory(path: "\(folder)/certs") }

    /// How the server is reached, which shows too whether the configuration is one.
    func way() throws -> ConnectConfiguration {
        let loader = ConfigurationLoader(registry: KnownStages.registry, environment: [:], checksFiles: false)
        let loaded = try loader.load(text: text(serverName: NewServer.name), file: "agent.yaml", host: .agent, overrides: [])
        return loaded.stages.lazy.compactMap { $0.configuration as? ConnectConfiguration }.first ?? ConnectConfiguration()
    }

    /// This machine's key: the one of an attempt before, or a new one. The server gives an invitation that was taken to nobody but the key that
    /// took it.
    func key() throws(CertificateCommandError) -> Certificate.PrivateKey {
        let file = certificates.key(line.name)
        if FileManager.default.fileExists(atPath: file.path) {
            let text = try PrivateFile.read(file)
            guard let key = try? Certificate.PrivateKey(pemEncoded: text) else {
                throw CertificateCommandError(
                    .data, "\(file.relativePath) is no key: move it away, and join again with a new invitation")
            }
            return key
        }
        try PrivateFile.makeDirectory(certificates.url)
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        guard let text = try? key.serializeAsPEM().pemString else {
            throw CertificateCommandError(.cannotCreate, "a key can't be made")
        }
        try PrivateFile.write([(file, text + "\n")])
        return key
    }

    func save(_ grant: EnrolClient.Grant) throws {
        let authority = certificates.certificate(CertificateDirectory.authorityName)
        let pem = try grant.authority.serializeAsPEM().pemString + "\n"
        if let before = try? PrivateFile.read(authority), before != pem {
            throw CertificateCommandError(
                .exists, "\(authority.relativePath) is another authority's: name a folder of its own for this tunnel with --out")
        }
        try PrivateFile.write(
            [(authority, pem), (certificates.certificate(line.name), try grant.certificate.serializeAsPEM().pemString + "\n")],
            replacing: true)
        // Last: whoever finds it finds all that it names.
        try PrivateFile.write([(URL(fileURLWithPath: "\(folder)/agent.yaml"), text(serverName: grant.serverName))])
    }

    private func text(serverName: String) -> String {
        AgentText(
            server: line.server, serverName: serverName, certificate: .path("certs/\(line.name).pem"),
            key: .path("certs/\(line.name)-key.pem"), authority: .path("certs/ca.pem"), via: via,
            isViaEnvironment: ProxyEnvironment.process.namesProxy, listen: listen
        ).text
    }
}
