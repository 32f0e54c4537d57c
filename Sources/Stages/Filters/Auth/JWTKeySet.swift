public import ConfigurationLanguage
import JWTKit
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A signature algorithm that a token may be signed with (RFC 7518, RFC 8037). Those with a shared secret and `none` aren't here.
public enum JWTAlgorithmName: String, Sendable, CaseIterable, ConfigurationChoice {
    /// ECDSA on the curve P-256, with SHA-256.
    case es256 = "ES256"
    /// ECDSA on the curve P-384, with SHA-384.
    case es384 = "ES384"
    /// ECDSA on the curve P-521, with SHA-512.
    case es512 = "ES512"
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    case rs256 = "RS256"
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    case rs384 = "RS384"
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    case rs512 = "RS512"
    /// RSASSA-PSS with SHA-256.
    case ps256 = "PS256"
    /// RSASSA-PSS with SHA-384.
    case ps384 = "PS384"
    /// RSASSA-PSS with SHA-512.
    case ps512 = "PS512"
    /// EdDSA on the curve Ed25519 (RFC 8037).
    case eddsa = "EdDSA"
}

/// An issuer's keys, each for exactly one algorithm: a token's header chooses among them and can't have a key used in another
/// way than it is meant for.
struct JWTKeySet: Sendable {
    struct Key: Sendable {
        /// Nil for the only key of an issuer that doesn't name its keys.
        var identifier: String?
        var algorithm: JWTAlgorithmName
        var verifier: any JWTAlgorithm
    }

    let keys: [Key]

    /// The keys of a set (RFC 7517) that can be used. Those of other types, and for other purposes, are passed over.
    init(_ set: JWKSet, algorithms: [JWTAlgorithmName]) async {
        var keys: [Key] = []
        for key in set.keys {
            let stated = key.algorithm.flatMap { JWTAlgorithmName(rawValue: $0.rawValue) }
            // A key that states an algorithm is for that alone.
            guard key.algorithm == nil || stated != nil else { continue }
            for algorithm in algorithms where stated == nil || stated == algorithm {
                guard let verifier = await Self.verifier(key, algorithm) else { continue }
                keys.append(Key(identifier: key.keyIdentifier?.string, algorithm: algorithm, verifier: verifier))
            }
        }
        self.keys = keys
    }

    /// The library makes verifiers within its own collection only: one that has a single key gives that key's.
    private static func verifier(_ key: JWK, _ algorithm: JWTAlgorithmName) async -> (any JWTAlgorithm)? {
        var key = key
        key.algorithm = JWK.Algorithm(rawValue: algorithm.rawValue)
        key.keyIdentifier = "one"
        do {
            let collection = try await JWTKeyCollection().add(jwk: key)
            let found = try await collection.getKey(for: "one")
            return found.name == algorithm.rawValue ? found : nil
        } catch {
            return nil
        }
    }

    /// The keys that a token's header may mean.
    func candidates(identifier: String?, algorithm: JWTAlgorithmName) -> [Key] {
        keys.filter { $0.algorithm == algorithm && (identifier == nil || $0.identifier == nil || $0.identifier == identifier) }
    }
}

/// A JSON Web Key Set as it is published: one key that can't be understood doesn't spoil the others.
struct JWKSet: Sendable, Decodable {
    let keys: [JWK]

    private struct Lenient: Decodable {
        let key: JWK?

        private struct Purpose: Decodable {
            var use: String?
        }

        init(from decoder: any Decoder) throws {
            let isForSignatures = (try? Purpose(from: decoder))?.use.map { $0 == "sig" } ?? true
            key = isForSignatures ? try? JWK(from: decoder) : nil
        }
    }

    private enum CodingKeys: CodingKey { case keys }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        keys = try container.decode([Lenient].self, forKey: .keys).compactMap(\.key)
    }

    init(json: String) throws {
        do {
            self = try JSONDecoder().decode(JWKSet.self, from: Data(json.utf8))
        } catch {
            throw WatchedFileProblem("is no JSON Web Key Set")
        }
        guard !keys.isEmpty else { throw WatchedFileProblem("has no key that can verify signatures") }
    }
}
