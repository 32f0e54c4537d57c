import JWTKit

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Decides whether a token is good, from keys and the time that it is given.
struct JWTVerifier: Sendable {
    struct Verified: Sendable, Equatable {
        var name: String
        /// When it is no longer good, in seconds of the Unix epoch.
        var expires: Int
    }

    enum Refusal: Error, Equatable {
        case malformed
        case algorithm
        /// No key that it could be signed with is known.
        case key
        case signature
        case issuer
        case audience
        case expired
        case notYetValid
        case identity
    }

    var issuer: String
    var audience: [String]
    var algorithms: [JWTAlgorithmName]
    var clockSkew: Int
    var identityClaim: String

    private static let lengthLimit = 16 << 10
    /// What a claim may say as a time: within the next centuries.
    private static let times = 0.0...253_402_300_799

    func verify(_ token: String, keys: JWTKeySet, now: Int) throws(Refusal) -> Verified {
        guard token.utf8.count <= Self.lengthLimit else { throw .malformed }
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.decode(parts[0]), let payload = Self.decode(parts[1]),
            let signature = Self.decode(parts[2]), !signature.isEmpty,
            let fields = try? JSONDecoder().decode(Header.self, from: header), fields.crit == nil
        else { throw .malformed }
        guard let algorithm = JWTAlgorithmName(rawValue: fields.alg), algorithms.contains(algorithm) else { throw .algorithm }
        let candidates = keys.candidates(identifier: fields.kid, algorithm: algorithm)
        guard !candidates.isEmpty else { throw .key }
        let signed = Array(token.utf8.prefix(parts[0].count + 1 + parts[1].count))
        guard candidates.contains(where: { (try? $0.verifier.verify(signature, signs: signed)) == true }) else { throw .signature }
        // Only now is anything believed.
        guard let claims = try? JSONDecoder().decode(Claims.self, from: payload) else { throw .malformed }
        return try check(claims, now: now)
    }

    private func check(_ claims: Claims, now: Int) throws(Refusal) -> Verified {
        guard claims.text("iss") == issuer else { throw .issuer }
        let audiences = claims.texts("aud")
        guard audience.contains(where: audiences.contains) else { throw .audience }
        // A token without an end isn't taken: nobody could take it back.
        guard let expires = claims.number("exp"), Self.times.contains(expires) else { throw .expired }
        guard Double(now) < expires + Double(clockSkew) else { throw .expired }
        if let notBefore = claims.values["nbf"] {
            guard case .number(let begins) = notBefore, begins <= Double(now + clockSkew) else { throw .notYetValid }
        }
        guard let name = claims.text(identityClaim), UsersFile.isName(name.replacing(":", with: "")) else { throw .identity }
        return Verified(name: name, expires: Int(expires) + clockSkew)
    }

    private struct Header: Decodable {
        var alg: String
        var kid: String?
        /// Extensions that must be understood (RFC 7515, 4.1.11); none is.
        var crit: [String]?
    }

    private struct Claims: Decodable {
        enum Value {
            case text(String)
            case texts([String])
            case number(Double)
        }

        var values: [String: Value] = [:]

        private struct Name: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for key in container.allKeys {
                if let text = try? container.decode(String.self, forKey: key) {
                    values[key.stringValue] = .text(text)
                } else if let number = try? container.decode(Double.self, forKey: key) {
                    values[key.stringValue] = .number(number)
                } else if let texts = try? container.decode([String].self, forKey: key) {
                    values[key.stringValue] = .texts(texts)
                }
            }
        }

        func text(_ claim: String) -> String? {
            if case .text(let text) = values[claim] { text } else { nil }
        }

        func texts(_ claim: String) -> [String] {
            switch values[claim] {
            case .text(let text): [text]
            case .texts(let texts): texts
            default: []
            }
        }

        func number(_ claim: String) -> Double? {
            if case .number(let number) = values[claim] { number } else { nil }
        }
    }

    /// Base64url without padding (RFC 7515, 2). Anything else is refused.
    private static func decode(_ text: Substring.UTF8View) -> Data? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count + 3)
        for byte in text {
            switch byte {
            case UInt8(ascii: "-"): bytes.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): bytes.append(UInt8(ascii: "/"))
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: bytes.append(byte)
            default: return nil
            }
        }
        guard bytes.count % 4 != 1 else { return nil }
        while bytes.count % 4 != 0 { bytes.append(UInt8(ascii: "=")) }
        return Data(base64Encoded: Data(bytes))
    }
}
