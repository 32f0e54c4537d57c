import Crypto
import Foundation

/// An issuer of tokens for tests, made of keys and bytes alone, so that the verifier is tested against the RFCs and not against
/// its own library's other half.
struct JWTIssuer {
    let key = P256.Signing.PrivateKey()
    let edwards = Curve25519.Signing.PrivateKey()
    var identifier = "one"

    /// `kid` is nil for a key without one.
    func jwk(kid: String? = "one", algorithm: String? = "ES256") -> String {
        let raw = key.publicKey.rawRepresentation
        return member(
            ["kty": "EC", "crv": "P-256", "x": Self.encode(raw.prefix(32)), "y": Self.encode(raw.suffix(32))], kid, algorithm)
    }

    func edwardsJWK(kid: String? = "two") -> String {
        member(["kty": "OKP", "crv": "Ed25519", "x": Self.encode(edwards.publicKey.rawRepresentation)], kid, "EdDSA")
    }

    private func member(_ fields: [String: String], _ kid: String?, _ algorithm: String?) -> String {
        var fields = fields
        fields["kid"] = kid
        fields["alg"] = algorithm
        fields["use"] = "sig"
        return Self.json(fields)
    }

    static func set(_ keys: String...) -> String { "{\"keys\":[\(keys.joined(separator: ","))]}" }

    func token(
        _ claims: [String: Any], header: [String: Any] = ["alg": "ES256", "kid": "one", "typ": "JWT"], edwards: Bool = false
    ) throws -> String {
        let signed = Self.encode(Data(Self.json(header).utf8)) + "." + Self.encode(Data(Self.json(claims).utf8))
        let signature =
            edwards
            ? try self.edwards.signature(for: Data(signed.utf8))
            : try key.signature(for: Data(signed.utf8)).rawRepresentation
        return signed + "." + Self.encode(signature)
    }

    static func json(_ value: [String: Any]) -> String {
        (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])).map { String(decoding: $0, as: UTF8.self) }
            ?? "{}"
    }

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
