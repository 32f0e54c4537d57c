import Crypto

/// What a proxy wants hashed that takes Digest (RFC 7616, 3.3).
package struct DigestChallenge: Sendable, Hashable {
    /// The hashes that are known, the strongest first.
    package enum Algorithm: String, Sendable, CaseIterable {
        /// SHA-256 (RFC 7616).
        case sha256 = "sha-256"
        /// MD5, which is what most proxies want (RFC 2617).
        case md5

        /// In hexadecimal digits.
        func hash(_ text: String) -> String {
            switch self {
            case .sha256: Self.digits(SHA256.hash(data: Array(text.utf8)))
            case .md5: Self.digits(Insecure.MD5.hash(data: Array(text.utf8)))
            }
        }

        private static func digits(_ bytes: some Sequence<UInt8>) -> String {
            var text = ""
            for byte in bytes { text += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            return text
        }
    }

    let realm: String
    let nonce: String
    let opaque: String?
    let algorithm: Algorithm
    /// As the proxy has written it, which it is answered with; nil where it has said none.
    let algorithmName: String?
    /// The hash of user and password is made anew for each nonce (`-sess`).
    let isForSession: Bool
    /// Whether the answer counts how often the nonce was used; a proxy that says nothing of it is one of RFC 2069.
    let hasQuality: Bool
    /// The answer before was right, and only its nonce too old.
    let isStale: Bool
    /// The user's name is hashed too.
    let hashesUser: Bool

    /// Nil for one that can't be answered here: with another hash, or one of a body alone.
    package init?(_ challenge: AuthenticationSchemes.Challenge) {
        let parameters = challenge.parameters
        guard challenge.isNamed("Digest"), let realm = parameters["realm"], let nonce = parameters["nonce"] else { return nil }
        algorithmName = parameters["algorithm"]
        let name = (algorithmName ?? "MD5").lowercased()
        isForSession = name.hasSuffix("-sess")
        guard let algorithm = Algorithm(rawValue: isForSession ? String(name.dropLast(5)) : name) else { return nil }
        self.algorithm = algorithm
        let qualities = parameters["qop"].map { $0.split { $0 == "," || $0 == " " }.map { $0.lowercased() } }
        guard qualities?.contains("auth") ?? true else { return nil }
        hasQuality = qualities != nil
        self.realm = realm
        self.nonce = nonce
        opaque = parameters["opaque"]
        isStale = parameters["stale"]?.lowercased() == "true"
        hashesUser = parameters["userhash"]?.lowercased() == "true"
    }

    private init(_ other: DigestChallenge, nonce: String) {
        realm = other.realm
        self.nonce = nonce
        opaque = other.opaque
        algorithm = other.algorithm
        algorithmName = other.algorithmName
        isForSession = other.isForSession
        hasQuality = other.hasQuality
        isStale = false
        hashesUser = other.hashesUser
    }

    /// The same with the nonce that is to be used next.
    func renewed(nonce: String) -> DigestChallenge { DigestChallenge(self, nonce: nonce) }

    /// The one with the strongest hash of those that can be answered.
    package static func strongest(of challenges: [AuthenticationSchemes.Challenge]) -> DigestChallenge? {
        let known = challenges.compactMap(DigestChallenge.init)
        return Algorithm.allCases.lazy.compactMap { algorithm in known.first { $0.algorithm == algorithm } }.first
    }
}

/// A challenge, and how often its nonce has been used.
package struct DigestSession: Sendable, Hashable {
    var challenge: DigestChallenge
    /// Of this use; the first is 1.
    var count: UInt32 = 1

    /// - Parameters:
    ///   - target: As it stands in the request's first line.
    ///   - clientNonce: Never used before with the proxy's.
    /// - Returns: The value of `Proxy-Authorization` (RFC 7616, 3.4).
    package func authorization(
        user: String, password: String, method: String, target: String, clientNonce: String
    ) -> String {
        let hash = challenge.algorithm.hash
        var secret = hash("\(user):\(challenge.realm):\(password)")
        if challenge.isForSession { secret = hash("\(secret):\(challenge.nonce):\(clientNonce)") }
        let request = hash("\(method):\(target)")
        let digits = String(count, radix: 16)
        let uses = String(repeating: "0", count: 8 - digits.count) + digits
        let response =
            challenge.hasQuality
            ? hash("\(secret):\(challenge.nonce):\(uses):\(clientNonce):auth:\(request)")
            : hash("\(secret):\(challenge.nonce):\(request)")
        let shown = challenge.hashesUser ? hash("\(user):\(challenge.realm)") : user
        var value = "Digest username=\(Self.quoted(shown)), realm=\(Self.quoted(challenge.realm))"
        value += ", nonce=\(Self.quoted(challenge.nonce)), uri=\(Self.quoted(target)), response=\"\(response)\""
        if let name = challenge.algorithmName {
            value += ", algorithm=\(name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })"
        }
        if challenge.hasQuality {
            value += ", qop=auth, nc=\(uses), cnonce=\"\(clientNonce)\""
        } else if challenge.isForSession {
            value += ", cnonce=\"\(clientNonce)\""
        }
        if let opaque = challenge.opaque { value += ", opaque=\(Self.quoted(opaque))" }
        if challenge.hashesUser { value += ", userhash=true" }
        return value
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// 128 random bits.
    static func clientNonce() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
        return digits + String(UInt64.random(in: 0 ... .max), radix: 16)
    }
}
