import Foundation
import HTTPMessages
import NIOCore
import Pipeline
import Testing

@testable import Filters

@Suite struct JWTTests {
    @Test(arguments: [
        ("https://keys.example/", true), ("http://localhost/keys", true), ("http://127.0.0.1:9/keys?a", true),
        ("http://127.0.0.2?a", true),
        ("http://[::1]/keys", true), ("http://keys.example/", false), ("http://127.keys.example/", false),
        ("http://127.0.0.1.example/", false),
        ("http://localhost.example/", false), ("http://localhost@keys.example/", false), ("http://[64:ff9b::127.0.0.1]/", false),
    ])
    func keysAreFetchedWithoutTLSFromThisMachineAlone(_ url: String, _ isTaken: Bool) {
        var configuration = JWTConfiguration(issuer: "i", audience: ["a"])
        configuration.keysURL = url
        #expect(configuration.validate().isEmpty == isTaken)
    }

    private let issuer = JWTIssuer()
    private static let now = 1_800_000_000

    private var verifier: JWTVerifier {
        JWTVerifier(
            issuer: "https://issuer.example", audience: ["fluidity", "other"], algorithms: [.es256, .eddsa], clockSkew: 60,
            identityClaim: "sub")
    }

    private var good: [String: Any] {
        ["iss": "https://issuer.example", "aud": "fluidity", "sub": "alice", "exp": Self.now + 300, "iat": Self.now]
    }

    private func keys(_ json: String? = nil, algorithms: [JWTAlgorithmName] = [.es256, .eddsa]) async throws -> JWTKeySet {
        await JWTKeySet(try JWKSet(json: json ?? JWTIssuer.set(issuer.jwk(), issuer.edwardsJWK())), algorithms: algorithms)
    }

    private func refusal(_ token: String, _ keys: JWTKeySet) -> JWTVerifier.Refusal? {
        do {
            _ = try verifier.verify(token, keys: keys, now: Self.now)
            return nil
        } catch {
            return error
        }
    }

    @Test func goodTokens() async throws {
        let keys = try await keys()
        let plain = try verifier.verify(try issuer.token(good), keys: keys, now: Self.now)
        #expect(plain == JWTVerifier.Verified(name: "alice", expires: Self.now + 360))
        let edwards = try issuer.token(good, header: ["alg": "EdDSA", "kid": "two"], edwards: true)
        #expect(try verifier.verify(edwards, keys: keys, now: Self.now).name == "alice")
        let nameless = try issuer.token(good, header: ["alg": "ES256"])
        #expect(try verifier.verify(nameless, keys: keys, now: Self.now).name == "alice")
        let several = try issuer.token(good.merging(["aud": ["x", "other"], "nbf": Self.now]) { $1 })
        #expect(try verifier.verify(several, keys: keys, now: Self.now).name == "alice")
    }

    @Test func claims() async throws {
        let keys = try await keys()
        func refusal(_ changes: [String: Any?]) throws -> JWTVerifier.Refusal? {
            var claims = good
            for (name, value) in changes { claims[name] = value }
            return self.refusal(try issuer.token(claims), keys)
        }
        #expect(try refusal(["iss": "https://other.example"]) == .issuer)
        #expect(try refusal(["iss": nil as Any?]) == .issuer)
        #expect(try refusal(["iss": ["https://issuer.example"]]) == .issuer)
        #expect(try refusal(["aud": "elsewhere"]) == .audience)
        #expect(try refusal(["aud": nil as Any?]) == .audience)
        #expect(try refusal(["aud": [] as [String]]) == .audience)
        #expect(try refusal(["exp": nil as Any?]) == .expired)
        #expect(try refusal(["exp": "2030-01-01"]) == .expired)
        #expect(try refusal(["exp": 1e300]) == .expired)
        #expect(try refusal(["exp": -1]) == .expired)
        // The clocks may be a minute apart, not a second more.
        #expect(try refusal(["exp": Self.now - 59]) == nil)
        #expect(try refusal(["exp": Self.now - 60]) == .expired)
        #expect(try refusal(["nbf": Self.now + 60]) == nil)
        #expect(try refusal(["nbf": Self.now + 61]) == .notYetValid)
        #expect(try refusal(["nbf": "soon"]) == .notYetValid)
        #expect(try refusal(["sub": nil as Any?]) == .identity)
        #expect(try refusal(["sub": ""]) == .identity)
        #expect(try refusal(["sub": "a\r\nX: y"]) == .identity)
        #expect(try refusal(["sub": String(repeating: "a", count: 300)]) == .identity)
    }

    @Test func signaturesAndAlgorithms() async throws {
        let keys = try await keys()
        let token = try issuer.token(good)
        #expect(refusal(try JWTIssuer().token(good), keys) == .signature)
        #expect(refusal(try issuer.token(good, header: ["alg": "none"]), keys) == .algorithm)
        #expect(refusal(try issuer.token(good, header: ["alg": "HS256", "kid": "one"]), keys) == .algorithm)
        #expect(refusal(try issuer.token(good, header: ["alg": "RS256", "kid": "one"]), keys) == .algorithm, "not on the list")
        #expect(refusal(try issuer.token(good, header: ["alg": "es256", "kid": "one"]), keys) == .algorithm)
        #expect(refusal(try issuer.token(good, header: ["alg": "ES256", "kid": "three"]), keys) == .key)
        #expect(refusal(try issuer.token(good, header: ["alg": "EdDSA", "kid": "one"]), keys) == .key, "it is for ES256")
        let extended: [String: Any] = ["alg": "ES256", "crit": ["b64"], "b64": false]
        #expect(refusal(try issuer.token(good, header: extended), keys) == .malformed)
        #expect(refusal(token.split(separator: ".").dropLast().joined(separator: ".") + ".", keys) == .malformed)
        // Any byte that is changed makes it another token.
        let bytes = Array(token.utf8)
        for index in stride(from: 0, to: bytes.count - 1, by: 7) {
            var changed = bytes
            changed[index] = changed[index] == 0x41 ? 0x42 : 0x41
            #expect(refusal(String(decoding: changed, as: UTF8.self), keys) != nil, "byte \(index)")
        }
    }

    @Test(arguments: ["", ".", "..", "...", "a.b.c", "e30.e30.e30", "e30=.e30.e30", "eyJhbGciOjF9.e30.AA", "\u{0}.\u{0}.\u{0}"])
    func whatIsNoToken(_ text: String) async throws {
        #expect(refusal(text, try await keys()) != nil)
    }

    @Test func aTokenOfAnySizeIsRefusedWithoutWork() async throws {
        #expect(refusal(String(repeating: "a", count: 1 << 20), try await keys()) == .malformed)
    }

    /// As issuers publish them: among keys for other things, some of them unknown here.
    @Test func aSetIsReadAsFarAsItCanBeUsed() async throws {
        let others = [
            "{\"kty\":\"oct\",\"k\":\"AAAA\",\"kid\":\"s\",\"alg\":\"HS256\"}",
            "{\"kty\":\"RSA\",\"use\":\"enc\",\"alg\":\"RSA-OAEP-256\",\"kid\":\"e\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "{}",
            issuer.jwk(kid: "free", algorithm: nil),
        ]
        let json = "{\"keys\":[\(others.joined(separator: ",")),\(issuer.jwk())]}"
        let set = try await keys(json, algorithms: [.es256, .es384, .rs256])
        #expect(set.keys.map(\.identifier) == ["free", "one"])
        #expect(set.keys.map(\.algorithm) == [.es256, .es256])
        for text in ["", "{}", "[]", "{\"keys\":[]}", "{\"keys\":{}}"] {
            #expect(throws: WatchedFileProblem.self) { try JWKSet(json: text) }
        }
    }

    // MARK: - The method

    private func method(_ folder: AuthFolder, _ set: String) async throws -> JWTMethod {
        var configuration = JWTConfiguration()
        configuration.keys = try folder.write("jwks.json", set)
        configuration.issuer = "https://issuer.example"
        configuration.audience = ["fluidity"]
        let method = try JWTMethod(configuration, realm: "r", clock: { Self.now })
        try await method.start()
        return method
    }

    private func outcome(_ method: JWTMethod, _ token: String) async throws -> String {
        let loop = MultiThreadedLoop.shared
        return try await loop.flatSubmit { () -> EventLoopFuture<String> in
            let evidence = AuthEvidence(
                authorization: "Bearer \(token)", fields: HeaderFields(), client: .certificate("somebody"), clients: AuthClients())
            return switch method.check(evidence, on: loop) {
            case .pending(let future, _): future.map { "slowly \($0)" }
            case let outcome: loop.makeSucceededFuture("\(outcome)")
            }
        }.get()
    }

    @Test func tokensAreRememberedUntilTheKeysChange() async throws {
        let folder = try AuthFolder()
        let method = try await method(folder, JWTIssuer.set(issuer.jwk()))
        let token = try issuer.token(good)
        let accepted = "accepted(Pipeline.Identity(name: \"alice\", method: \"jwt\"))"
        #expect(try await outcome(method, token) == "slowly \(accepted)")
        #expect(try await outcome(method, token) == accepted)
        _ = try folder.write("jwks.json", JWTIssuer.set(JWTIssuer().jwk()))
        #expect(await method.refresh().map(\.isProblem) == [false])
        #expect(try await outcome(method, token) == "slowly wrong")
        // A set that can't be used leaves the keys that there are.
        _ = try folder.write("jwks.json", "{}")
        #expect(await method.refresh().map(\.isProblem) == [true])
        #expect(try await outcome(method, token) == "slowly wrong")
    }

    @Test func aSetWithoutAKeyThatIsAllowedDoesNotStart() async throws {
        let folder = try AuthFolder()
        let key = "{\"kty\":\"RSA\",\"alg\":\"RS512\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"kid\":\"a\"}"
        await #expect(throws: StageError.self) { _ = try await self.method(folder, JWTIssuer.set(key)) }
    }
}
