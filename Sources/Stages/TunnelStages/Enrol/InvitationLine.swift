package import ConfigurationLanguage
import Crypto
import NIOCore
import Platform

/// What somebody who is invited is given: where the server is, how to know it, and a code that lets one machine in once. One line to paste.
package struct InvitationLine: Sendable, Equatable {
    /// The name of who is invited.
    package let name: String
    /// Where the server is reached: a host or an address, and a port.
    package let server: HostPort
    /// SHA-256 of the authority's certificate in DER, 32 bytes.
    package let authority: [UInt8]
    /// The secret, 16 random bytes.
    package let code: [UInt8]

    /// What every line begins with; the digit is the version of what follows.
    private static let beginning = "fluidity-join-1."
    private static let codeLength = 16

    /// A line with a code of its own.
    package init(name: String, server: HostPort, authority: [UInt8]) {
        self.name = name
        self.server = server
        self.authority = authority
        var generator = SystemRandomNumberGenerator()
        code = (0..<Self.codeLength).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// What a line says; nil if it is none, or was cut when it was copied.
    package init?(_ text: String) {
        let text = text.trimmed
        guard text.hasPrefix(Self.beginning) else { return nil }
        var digits = text.dropFirst(Self.beginning.count).map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        while digits.count % 4 != 0 { digits.append("=") }
        let decoded = Array(String(digits).utf8).withUnsafeBytes { Base64.decode($0) }
        guard var bytes = decoded, let authority = bytes.readBytes(length: SHA256.byteCount),
            let code = bytes.readBytes(length: Self.codeLength), let check = bytes.readInteger(as: UInt16.self),
            let rest = bytes.readString(length: bytes.readableBytes), check == Self.check(authority + code + Array(rest.utf8)),
            let blank = rest.firstIndex(of: " "), let server = try? HostPort(configured: String(rest[..<blank]))
        else { return nil }
        (self.server, self.authority, self.code) = (server, authority, code)
        name = String(rest[rest.index(after: blank)...])
    }

    /// The line, of URL-safe Base64 (RFC 4648, 5) without padding behind its beginning.
    package var text: String {
        let rest = Array("\(server) \(name)".utf8)
        var bytes = ByteBuffer(bytes: authority + code)
        bytes.writeInteger(Self.check(authority + code + rest))
        bytes.writeBytes(rest)
        var digits = ByteBuffer()
        Base64.encode(bytes, into: &digits)
        return Self.beginning
            + String(buffer: digits).filter { $0 != "=" }.map { $0 == "+" ? "-" : $0 == "/" ? "_" : String($0) }.joined()
    }

    /// The code's name in the server's records, from which it can't be told.
    package var codeHash: String { Self.hash(code) }

    /// SHA-256 in hexadecimal digits.
    package static func hash(_ code: [UInt8]) -> String { Hexadecimal.string(Array(SHA256.hash(data: code))) }

    /// A letter that was lost is noticed before anybody is asked.
    private static func check(_ bytes: [UInt8]) -> UInt16 {
        let digest = Array(SHA256.hash(data: bytes))
        return UInt16(digest[0]) << 8 | UInt16(digest[1])
    }
}

extension String {
    /// Without the blanks and line ends around it, which come with what is copied.
    fileprivate var trimmed: Substring {
        let blanks: Set<Character> = [" ", "\t", "\n", "\r", "\r\n"]
        guard let first = firstIndex(where: { !blanks.contains($0) }), let last = lastIndex(where: { !blanks.contains($0) }) else {
            return ""
        }
        return self[first...last]
    }
}
