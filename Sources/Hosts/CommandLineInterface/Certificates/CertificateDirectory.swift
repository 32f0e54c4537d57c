package import TunnelStages

#if canImport(FoundationEssentials)
package import FoundationEssentials
#else
package import Foundation
#endif

/// Where certificates are kept: `ca.pem` and `ca-key.pem`, and `NAME.pem` and `NAME-key.pem` for each that was issued.
package struct CertificateDirectory: Sendable {
    /// The directory's URL.
    package let url: URL

    /// The directory at a path, relative to the working directory or absolute; it needn't exist yet.
    package init(path: String) {
        url = URL(fileURLWithPath: path, isDirectory: true)
    }

    /// Where the certificate of that name is kept.
    package func certificate(_ name: String) -> URL { url.appendingPathComponent("\(name).pem") }
    /// Where the private key of that name is kept.
    package func key(_ name: String) -> URL { url.appendingPathComponent("\(name)-key.pem") }

    /// The name that the authority's files have, and no others may.
    package static let authorityName = "ca"

    /// Reads the authority's certificate and key; throws if one is missing or they don't belong together.
    package func loadAuthority() throws(CertificateCommandError) -> CertificateAuthority {
        try CertificateAuthority(
            certificatePEM: PrivateFile.read(certificate(Self.authorityName)), keyPEM: PrivateFile.read(key(Self.authorityName))
        )
    }

    /// Saves a new authority. Never overwrites one: everything that it issued would become worthless.
    package func save(_ authority: CertificateAuthority) throws {
        try PrivateFile.makeDirectory(url)
        let issued = IssuedCertificate(certificate: authority.certificate, key: authority.key)
        do {
            try save(issued, named: Self.authorityName, replacing: false)
        } catch let error as CertificateCommandError where error.code == .exists {
            throw CertificateCommandError(
                error.code, "\(error.message); an authority is never overwritten, choose another directory with --out")
        }
    }

    /// Saves a certificate with its key under a name that files can have.
    package func save(_ issued: IssuedCertificate, as name: String, replacing: Bool) throws {
        try Self.validate(name)
        try PrivateFile.makeDirectory(url)
        try save(issued, named: name, replacing: replacing)
    }

    /// Refuses names that would lead out of the directory or to the authority's own files.
    package static func validate(_ name: String) throws(CertificateCommandError) {
        guard isName(name) else {
            throw CertificateCommandError(
                .usage,
                "'\(name)' can't be the name of a file: letters, digits and _ . @ - only, 64 at most, a letter or digit first")
        }
        guard name.lowercased() != authorityName else {
            throw CertificateCommandError(.usage, "'\(authorityName)' is the name of the authority; choose another")
        }
    }

    private static func isName(_ name: String) -> Bool {
        func isPlain(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard let first = name.utf8.first, isPlain(first), name.utf8.count <= 64 else { return false }
        return name.utf8.allSatisfy { isPlain($0) || [UInt8(ascii: "."), UInt8(ascii: "@"), UInt8(ascii: "-")].contains($0) }
    }

    private func save(_ issued: IssuedCertificate, named name: String, replacing: Bool) throws {
        // The key first: a certificate without its key is worth nothing, and a reader looks for the certificate.
        try PrivateFile.write(
            [(key(name), issued.keyPEM()), (certificate(name), issued.certificatePEM())], replacing: replacing)
    }
}
