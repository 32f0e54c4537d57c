import ConfigurationLanguage
import Crypto
import Foundation
import SwiftASN1
import X509

@testable import TunnelStages

/// An authority, a server's certificate of it, and a folder for invitations, as files.
struct DeskFiles {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("enrol-\(UUID().uuidString)")
    private(set) var configuration = EnrolConfiguration()
    private let authority: CertificateAuthority

    init() throws {
        authority = try CertificateAuthority(name: "Test", days: 1)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let issued = try issue(for: "server.example")
        configuration.certificate = try write("server.pem", issued.certificatePEM())
        configuration.key = try write("server-key.pem", issued.keyPEM())
        configuration.ca = try write("ca.pem", authority.certificate.serializeAsPEM().pemString)
        configuration.caKey = try write("ca-key.pem", authority.key.serializeAsPEM().pemString)
        configuration.invitations = FolderPath(folder.path)
    }

    /// A server's certificate of the authority for another name.
    func issue(for name: String) throws -> IssuedCertificate {
        try authority.issue(CertificateRequest(name: "server", isServer: true, dnsNames: [name], days: 1))
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> PEMSource {
        let url = folder.appendingPathComponent(name)
        try text.write(to: url, atomically: true, encoding: .utf8)
        return .file(FilePath(url.path))
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
