/// What went wrong in TLS, in words for a person.
///
/// The errors of SwiftNIO SSL and of BoringSSL beneath it are made for those who write programs: they have numbers, and the paths of the
/// library's source. They are told apart by what their descriptions say, so that whoever has such an error can have words for it without
/// knowing the library.
package enum TLSFailure: Sendable, Hashable {
    /// What came isn't TLS.
    case notTLS
    /// The two sides have no version in common.
    case version
    /// The peer's certificate comes from an authority that isn't trusted, or isn't valid.
    case untrustedCertificate
    /// The peer's certificate is for another name.
    case wrongName
    /// The peer showed no certificate.
    case noCertificate
    /// The peer chose a protocol that wasn't offered, or none (ALPN).
    case noProtocol
    /// The peer said why it ends TLS: a number of RFC 8446, 6.2.
    case alert(UInt8)
    /// The connection ended without TLS's own end.
    case ended
    /// Anything else, by the library's name for it in words, which may be empty.
    case other(String)

    /// Nil for an error that is none of TLS.
    package init?(_ error: any Error) {
        guard String(reflecting: type(of: error)).hasPrefix("NIOSSL.") else { return nil }
        self.init(description: String(describing: error))
    }

    /// - Parameter description: What the library says of its error.
    package init(description: String) {
        let reasons = Self.reasons(in: description)
        // What other parts of the library found is a detail of what TLS says: that a signature is bad, of a certificate's refusal.
        if let reason = reasons.first(where: { $0.code >> 24 == Self.partOfTLS }) ?? reasons.first {
            self = Self.reason(reason.code, reason.name)
        } else if description.contains("failedToValidateHostname") {
            self = .wrongName
        } else if description.contains("unableToValidateCertificate") {
            self = .untrustedCertificate
        } else if description.contains("noCertificateToValidate") {
            self = .noCertificate
        } else if description.contains("EOF during") || description.contains("uncleanShutdown") {
            self = .ended
        } else {
            self = .other("")
        }
    }

    /// A sentence's end.
    ///
    /// - Parameter peer: Who is at the other end: `the server`, `example.com:443`.
    package func sentence(about peer: String) -> String {
        switch self {
        case .notTLS:
            "what answers in place of \(peer) doesn't speak TLS: the port is another service's, or something on the way answers by "
                + "itself, a captive portal say"
        case .version: "\(peer) and this side have no version of TLS in common"
        case .untrustedCertificate:
            "the certificate of \(peer) doesn't come from an authority that is trusted here, or isn't valid now; something on the way may "
                + "break TLS open"
        case .wrongName: "the certificate of \(peer) is for another name"
        case .noCertificate: "\(peer) showed no certificate"
        case .noProtocol: "\(peer) takes none of the protocols that are spoken here"
        case .alert(let number): Self.sentence(about: peer, alert: number)
        case .ended: "\(peer) ended the connection without ending TLS"
        case .other(let name): name.isEmpty ? "TLS with \(peer) failed" : "TLS with \(peer) failed: \(name)"
        }
    }

    /// What the library calls it, in words; nil for what has words of its own here.
    package var libraryName: String? {
        if case .other(let name) = self, !name.isEmpty { return name }
        return nil
    }

    /// Whether it will be the same at the next attempt, until somebody changes something at one of the two sides.
    package var isMismatch: Bool {
        switch self {
        case .ended, .other: false
        case .notTLS, .version, .untrustedCertificate, .wrongName, .noCertificate, .noProtocol, .alert: true
        }
    }

    /// Whether the peer refuses what this side showed of itself, which only another certificate or another configuration mends.
    package var isRefusal: Bool {
        if case .alert(42...46) = self { return true }
        if case .alert(48...49) = self { return true }
        if case .alert(116) = self { return true }
        return self == .alert(120) || self == .noProtocol
    }

    private static func sentence(about peer: String, alert number: UInt8) -> String {
        let refusal = "\(peer) refuses the certificate of this side"
        return switch number {
        case 40: "\(peer) finds nothing in common in the TLS handshake (alert 40)"
        case 42: "\(refusal) as a bad one (alert 42)"
        case 43: "\(refusal): it is of the wrong kind (alert 43)"
        case 44: "\(refusal): it was revoked (alert 44)"
        case 45: "\(refusal): it has expired, or isn't valid yet (alert 45)"
        case 46: "\(refusal) (alert 46)"
        case 48: "\(refusal): it doesn't come from an authority that is trusted there (alert 48)"
        case 49: "\(refusal): it gives no access there (alert 49)"
        case 51: "\(peer) can't verify what this side signed (alert 51)"
        case 70: "\(peer) and this side have no version of TLS in common (alert 70)"
        case 112: "\(peer) doesn't know the name that it was asked for (alert 112)"
        case 116: "\(peer) wants a certificate, and this side showed none (alert 116)"
        case 120: "\(peer) takes none of the protocols that are spoken here (alert 120)"
        default: "\(peer) ended TLS (alert \(number))"
        }
    }

    private static let partOfTLS: UInt32 = 16

    /// BoringSSL's numbers of `SSL_R_…`. Alerts are those of the standard, behind 1000.
    private static func reason(_ code: UInt32, _ name: String) -> TLSFailure {
        // Errors of other parts of the library are about what came, in a way that says nothing to anybody.
        guard code >> 24 == partOfTLS else { return .other(name) }
        return switch code & 0xFFF {
        case let reason where (1_000...1_255).contains(reason): .alert(UInt8(reason - 1_000))
        case 125: .untrustedCertificate
        case 155, 156, 247: .notTLS
        case 192: .noCertificate
        case 240: .version
        case 259, 307: .noProtocol
        default: .other(name)
        }
    }

    /// Of each `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED` its number, and its name in words. There are a few
    /// at most: the library keeps sixteen.
    private static func reasons(in description: String) -> [(code: UInt32, name: String)] {
        var reasons: [(code: UInt32, name: String)] = []
        var rest = description[...]
        while let start = rest.firstRange(of: "error:")?.upperBound, reasons.count < 16 {
            rest = rest[start...]
            let fields = rest.split(separator: ":", maxSplits: 4)
            guard let digits = fields.first, digits.count == 8, let code = UInt32(digits, radix: 16) else { continue }
            let name = fields.count > 3 ? fields[3].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } : ""
            reasons.append((code, name.prefix(64).lowercased().replacing("_", with: " ")))
        }
        return reasons
    }
}
