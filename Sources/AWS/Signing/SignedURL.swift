/// A URL in the parts that a signature covers.
package struct SignedURL: Sendable, Hashable, CustomStringConvertible {
    /// Whether the scheme is `https`.
    package var isSecure: Bool
    /// The host as in the `Host` field: with the port unless it is the scheme's own.
    package var host: String
    /// The path as it is sent, percent-encoded; `/` at least.
    package var path: String
    /// The query as it is sent, without the question mark.
    package var query: String

    /// Takes a URL apart; nil for what isn't an `http` or `https` URL with a host.
    package init?(_ text: String) {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        switch text[..<colon].lowercased() {
        case "http": isSecure = false
        case "https": isSecure = true
        default: return nil
        }
        var rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//") else { return nil }
        rest = rest.dropFirst(2)
        if let hash = rest.firstIndex(of: "#") { rest = rest[..<hash] }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        var authority = rest[..<end].lowercased()
        let ownPort = isSecure ? ":443" : ":80"
        if authority.hasSuffix(ownPort) { authority.removeLast(ownPort.count) }
        let isClean = authority.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x40 }
        guard !authority.isEmpty, !authority.hasPrefix(":"), isClean else { return nil }
        host = authority
        rest = rest[end...]
        let question = rest.firstIndex(of: "?") ?? rest.endIndex
        path = question == rest.startIndex ? "/" : String(rest[..<question])
        query = question == rest.endIndex ? "" : String(rest[question...].dropFirst())
    }

    package var description: String {
        "\(isSecure ? "https" : "http")://\(host)\(path)\(query.isEmpty ? "" : "?" + query)"
    }

    /// The same host, at another path below this one's.
    package func appending(_ more: String) -> SignedURL {
        var url = self
        url.path = (path.hasSuffix("/") ? String(path.dropLast()) : path) + more
        return url
    }

    /// Dot segments and empty ones removed, then percent-encoded once more than it is sent, which all services but S3 want.
    package var canonicalPath: String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/", omittingEmptySubsequences: true) {
            switch segment {
            case ".": continue
            case "..": _ = segments.popLast()
            default: segments.append(segment)
            }
        }
        guard !segments.isEmpty else { return "/" }
        let joined = "/" + segments.map { PercentEncoding.encode($0.utf8) }.joined(separator: "/")
        return path.hasSuffix("/") ? joined + "/" : joined
    }

    /// Parameters sorted by name, then by value, in their encoded form.
    package var canonicalQuery: String {
        let pairs = query.split(separator: "&", omittingEmptySubsequences: true).map { part in
            let equals = part.firstIndex(of: "=") ?? part.endIndex
            let value = equals == part.endIndex ? "" : part[equals...].dropFirst()
            return (PercentEncoding.normalize(part[..<equals]), PercentEncoding.normalize(value))
        }
        return pairs.sorted { $0 < $1 }.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }
}

/// Percent-encoding as AWS wants it: everything but unreserved characters (RFC 3986, 2.3).
package enum PercentEncoding {
    /// Percent-encodes all bytes but those that are unreserved in a URI (RFC 3986, 2.3), with capital digits.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in bytes {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: result.append(byte)
            default: result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Decoded where it was encoded, then encoded in the one way.
    package static func normalize(_ text: some StringProtocol) -> String { encode(decode(text)) }

    /// The bytes that a text stands for; a percent sign without two hexadecimal digits behind it stands for itself.
    package static func decode(_ text: some StringProtocol) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x25, rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                result.append(value)
                rest = rest.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return result
    }
}
