import Pipeline
import Platform
import SwiftASN1
package import TunnelStages
package import X509

#if canImport(FoundationEssentials)
package import FoundationEssentials
#else
package import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A certificate for a person to read.
package struct CertificateReport: CustomStringConvertible {
    package let description: String

    /// Describes a certificate, with how many days it is still valid at a time.
    package init(_ certificate: Certificate, now: Date = Date()) throws {
        let identity = try PeerIdentity(certificate)
        var lines: [(label: String, value: String)] = [
            ("subject", identity.subject),
            ("issuer", certificate.issuer.rfc4514 + (certificate.issuer == certificate.subject ? " (itself)" : "")),
            ("serial", Hexadecimal.string(certificate.serialNumber.bytes)),
        ]
        for name in try certificate.extensions.subjectAlternativeNames ?? SubjectAlternativeNames() {
            lines.append(Self.line(for: name))
        }
        lines.append(("valid from", Self.date(certificate.notValidBefore)))
        lines.append(("valid until", Self.date(certificate.notValidAfter) + Self.remark(certificate, now: now)))
        lines.append(("key", "\(certificate.publicKey)".replacing(".PublicKey", with: "")))
        lines.append(("key hash", "sha256:\(identity.publicKeyHash)"))
        lines.append(("usage", try Self.usage(of: certificate)))
        description = lines.map { "\($0.label):\(String(repeating: " ", count: 12 - $0.label.count))\($0.value)\n" }.joined()
    }

    private init(key: String) { description = "private key: \(key)\n" }

    /// Every certificate of a PEM file's text, then its private keys.
    package static func all(pem: String, now: Date = Date()) throws(CertificateCommandError) -> [CertificateReport] {
        let documents: [PEMDocument]
        do {
            documents = try PEMDocument.parseMultiple(pemString: pem)
        } catch {
            throw CertificateCommandError(.data, "is not a PEM file: what stands between its '-----' lines can't be read")
        }
        let certificates = documents.filter { $0.discriminator == Certificate.defaultPEMDiscriminator }
        let keys = documents.filter { $0.discriminator.hasSuffix("PRIVATE KEY") }.map { _ in CertificateReport(key: "not shown") }
        guard !certificates.isEmpty || !keys.isEmpty else { throw CertificateCommandError(.data, "has no certificate") }
        do {
            return try certificates.map { try CertificateReport(Certificate(pemDocument: $0), now: now) } + keys
        } catch {
            throw CertificateCommandError(
                .data, "has a certificate that can't be understood: it is damaged, or no X.509 certificate")
        }
    }

    static func date(_ date: Date) -> String { Timestamp.utc(Int(date.timeIntervalSince1970)) }

    private static func remark(_ certificate: Certificate, now: Date) -> String {
        if now > certificate.notValidAfter { return " (expired)" }
        if now < certificate.notValidBefore { return " (not valid yet)" }
        let days = Int(certificate.notValidAfter.timeIntervalSince(now) / 86_400)
        return " (\(days) \(days == 1 ? "day" : "days") left)"
    }

    private static func line(for name: GeneralName) -> (label: String, value: String) {
        switch name {
        case .dnsName(let name): ("dns", printable(name))
        case .uniformResourceIdentifier(let uri): ("uri", printable(uri))
        case .ipAddress(let address): ("ip", addressText(Array(address.bytes)))
        case .rfc822Name(let address): ("email", printable(address))
        case .directoryName(let name): ("directory", name.rfc4514)
        default: ("other name", "\(name)")
        }
    }

    /// What a certificate says mustn't move a terminal's cursor.
    private static func printable(_ text: String) -> String {
        text.unicodeScalars.map { (0x20...0x7E).contains($0.value) ? String($0) : "?" }.joined()
    }

    private static func addressText(_ bytes: [UInt8]) -> String {
        let family = bytes.count == 4 ? AF_INET : bytes.count == 16 ? AF_INET6 : nil
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard let family, inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else {
            return Hexadecimal.string(bytes)
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func usage(of certificate: Certificate) throws -> String {
        var parts: [String] = []
        if case .isCertificateAuthority(let length)? = try certificate.extensions.basicConstraints {
            parts.append("certificate authority" + (length.map { ", path length \($0)" } ?? ""))
        }
        for usage in try certificate.extensions.extendedKeyUsage ?? ExtendedKeyUsage() {
            parts.append(usage == .serverAuth ? "server" : usage == .clientAuth ? "client" : "\(usage)")
        }
        if let usage = try certificate.extensions.keyUsage { parts.append("keys: \(usage)") }
        return parts.isEmpty ? "any" : parts.joined(separator: "; ")
    }
}
