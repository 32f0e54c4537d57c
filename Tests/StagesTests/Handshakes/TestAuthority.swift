import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// An authority that makes certificates, good and bad, in a directory of its own, which goes away with it.
final class TestAuthority {
    let directory: URL
    let name: DistinguishedName
    let key: Certificate.PrivateKey
    let certificate: Certificate

    /// The time that the certificates are made around.
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let nowSeconds = 1_800_000_000

    init(
        _ name: String = "Test CA", key: Certificate.PrivateKey = .init(P256.Signing.PrivateKey()), from: TimeInterval = -day,
        until: TimeInterval = 1_000 * day, isAuthority: Bool = true
    ) throws {
        self.key = key
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("fluidity-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        self.name = try DistinguishedName { CommonName(name) }
        certificate = try Self.certificate(
            subject: self.name, publicKey: key.publicKey, issuer: self.name, issuerKey: key, from: from, until: until,
            extensions: try Certificate.Extensions {
                if isAuthority { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil)) }
            })
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    static let day: TimeInterval = 86_400

    func issue(
        _ subject: DistinguishedName, key leafKey: Certificate.PrivateKey, from: TimeInterval = -day,
        until: TimeInterval = 365 * day, extensions: Certificate.Extensions = Certificate.Extensions()
    ) throws -> Certificate {
        try Self.certificate(
            subject: subject, publicKey: leafKey.publicKey, issuer: name, issuerKey: key, from: from, until: until,
            extensions: extensions)
    }

    /// Writes PEM and returns the path.
    func write(_ name: String, _ contents: any PEMSerializable..., mode: Int = 0o600) throws -> String {
        try write(name, text: contents.map { try $0.serializeAsPEM().pemString }.joined(separator: "\n") + "\n", mode: mode)
    }

    func write(_ name: String, key: Certificate.PrivateKey, mode: Int = 0o600) throws -> String {
        try write(name, text: key.serializeAsPEM().pemString, mode: mode)
    }

    func write(_ name: String, text: String, mode: Int = 0o600) throws -> String {
        let url = directory.appendingPathComponent(name)
        try Data(text.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
        return url.path
    }

    private static func certificate(
        subject: DistinguishedName, publicKey: Certificate.PublicKey, issuer: DistinguishedName,
        issuerKey: Certificate.PrivateKey, from: TimeInterval, until: TimeInterval, extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(bytes: [1, 2, 3]), publicKey: publicKey,
            notValidBefore: now + from, notValidAfter: now + until, issuer: issuer, subject: subject, extensions: extensions,
            issuerPrivateKey: issuerKey)
    }
}
