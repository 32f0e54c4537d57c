import NIOCore
import Platform

/// What is said on a connection that enrols: one line each way, words between blanks. docs/protocol.md specifies it.
package enum EnrolMessage {
    /// The name of the protocol in ALPN (RFC 7301).
    package static let protocolName = "fluidity-enrol/1"
    /// The longest line in bytes: a request for a certificate with an RSA key has about 1,500.
    package static let limit = 8 << 10

    /// What the one who joins asks.
    package struct Request: Sendable, Equatable {
        /// The secret of the invitation.
        package var code: [UInt8]
        /// The request for a certificate (PKCS #10, RFC 2986) in DER.
        package var certificateRequest: [UInt8]

        /// A request with its two parts.
        package init(code: [UInt8], certificateRequest: [UInt8]) {
            self.code = code
            self.certificateRequest = certificateRequest
        }

        /// `enrol CODE REQUEST`, both in Base64.
        package var line: String { "enrol \(encode(code)) \(encode(certificateRequest))\n" }

        /// Nil for anything else.
        package init?(_ line: String) {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, words[0] == "enrol", let code = decode(words[1]), let request = decode(words[2]) else {
                return nil
            }
            self.init(code: code, certificateRequest: request)
        }
    }

    /// What the server answers.
    package enum Answer: Sendable, Equatable {
        /// The certificate in DER, and the name that the server's certificate has.
        case granted(certificate: [UInt8], serverName: String)
        /// Why there is none, a sentence.
        case refused(String)

        /// `granted CERTIFICATE NAME`, the certificate in Base64, or `refused SENTENCE`.
        package var line: String {
            switch self {
            case .granted(let certificate, let name): "granted \(encode(certificate)) \(name)\n"
            case .refused(let reason): "refused \(reason)\n"
            }
        }

        /// Nil for anything else.
        package init?(_ line: String) {
            if line.hasPrefix("refused ") {
                self = .refused(String(line.dropFirst("refused ".count)))
                return
            }
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, words[0] == "granted", let certificate = decode(words[1]) else { return nil }
            self = .granted(certificate: certificate, serverName: String(words[2]))
        }
    }
}

private func encode(_ bytes: [UInt8]) -> String {
    var text = ByteBuffer()
    Base64.encode(ByteBuffer(bytes: bytes), into: &text)
    return String(buffer: text)
}

private func decode(_ text: Substring) -> [UInt8]? {
    Array(text.utf8).withUnsafeBytes { Base64.decode($0) }.map { Array($0.readableBytesView) }
}
