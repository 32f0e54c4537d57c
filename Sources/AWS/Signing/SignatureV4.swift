import Crypto

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// AWS Signature Version 4 of one request, with its parts, so that a wrong one can be compared with the other side's.
package struct SignatureV4: Sendable, Equatable {
    /// The request in the form that is signed.
    package var canonicalRequest: String
    /// The algorithm, the time, the scope and the canonical request's hash.
    package var stringToSign: String
    /// The signature in hexadecimal digits.
    package var signature: String
    /// The value of the field `Authorization`.
    package var authorization: String
    /// The fields that have to be sent beside the request's own, `Host` not among them.
    package var fields: [(name: String, value: String)]

    package static func == (left: SignatureV4, right: SignatureV4) -> Bool {
        left.canonicalRequest == right.canonicalRequest && left.authorization == right.authorization
    }

    /// Signs a request at a time in seconds of the Unix epoch.
    package init(
        method: String, url: SignedURL, fields: [(name: String, value: String)], body: [UInt8], service: String, region: String,
        credentials: Credentials, at time: Int
    ) {
        let stamp = AWSTime.basic(time)
        var added = [(name: "X-Amz-Date", value: stamp)]
        if let token = credentials.sessionToken { added.append((name: "X-Amz-Security-Token", value: token)) }
        var signed: [String: [String]] = ["host": [url.host]]
        for field in fields + added { signed[field.name.lowercased(), default: []].append(Self.folded(field.value)) }
        let names = signed.keys.sorted()
        let list = names.joined(separator: ";")
        let lines = names.map { "\($0):\((signed[$0] ?? []).joined(separator: ","))\n" }.joined()
        let canonical = [
            method, url.canonicalPath, url.canonicalQuery, lines, list, Self.hexadecimal(SHA256.hash(data: body)),
        ].joined(separator: "\n")
        let day = String(stamp.prefix(8))
        let scope = "\(day)/\(region)/\(service)/aws4_request"
        let hash = Self.hexadecimal(SHA256.hash(data: Array(canonical.utf8)))
        let toSign = "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(hash)"
        var key = SymmetricKey(data: Array("AWS4\(credentials.secretKey)".utf8))
        for part in [day, region, service, "aws4_request"] {
            key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
        }
        let code = Self.hexadecimal(HMAC<SHA256>.authenticationCode(for: Array(toSign.utf8), using: key))
        canonicalRequest = canonical
        stringToSign = toSign
        signature = code
        authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKey)/\(scope), SignedHeaders=\(list), Signature=\(code)"
        self.fields = added + [(name: "Authorization", value: authorization)]
    }

    /// White space at the ends is dropped, several in a row count as one.
    private static func folded(_ value: String) -> String {
        value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
