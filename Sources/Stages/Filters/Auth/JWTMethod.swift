import ConfigurationLanguage
import NIOCore
import Pipeline
import Synchronization

/// Signed tokens. Signatures are verified on threads, and tokens that were good are remembered until they end, or the keys change.
final class JWTMethod: AuthMethod {
    let name = "jwt"
    let challenge: String?
    let header: String?
    var readsAuthorization: Bool { header == nil }

    /// How long a token that was good is remembered at most.
    private static let memory = 300

    /// A signature is verified in a fraction of a millisecond, and one client may be an agent with all of its users behind it.
    private static let shares = SlowWork.Shares(trusted: 1_024, suspect: 256)

    private let verifier: JWTVerifier
    private let keys: any JWTKeySource
    private let verified = VerifiedCredentials<Identity>(capacity: 4_096)
    private let work: SlowWork
    private let clock: @Sendable () -> Int

    init(
        _ configuration: JWTConfiguration, realm: String, hasNetwork: Bool = true,
        work: SlowWork = SlowWork(waitingLimit: 1_024, shares: JWTMethod.shares),
        clock: @escaping @Sendable () -> Int = { WallTime.seconds }
    ) throws(StageError) {
        verifier = JWTVerifier(
            issuer: configuration.issuer, audience: configuration.audience, algorithms: configuration.algorithms,
            clockSkew: Int(configuration.clockSkew.components.seconds), identityClaim: configuration.identity)
        header = configuration.header?.name
        challenge = header == nil ? "Bearer realm=\"\(realm)\"" : nil
        if let file = configuration.keys {
            keys = try JWTKeyFile(file.path, algorithms: configuration.algorithms)
        } else if !hasNetwork {
            keys = NoJWTKeys()
        } else {
            keys = JWTKeyServer(
                configuration.keysURL ?? "", algorithms: configuration.algorithms, refresh: configuration.refresh)
        }
        self.work = work
        self.clock = clock
    }

    func check(_ evidence: AuthEvidence, on loop: any EventLoop) -> AuthOutcome {
        guard let token = evidence.credentials("Bearer", in: header, bare: true) else { return .absent }
        guard let current = keys.current else { return .unavailable }
        let known = verified.hash(token, "\(current.generation)")
        let now = loop.now
        if let identity = verified.value(known, now: now) { return .accepted(identity) }
        let seconds = clock()
        return evidence.verify(by: work, on: loop) { [verifier] in
            Result { () throws(JWTVerifier.Refusal) in try verifier.verify(String(token), keys: current.set, now: seconds) }
        } judge: { [verified, keys, name] result in
            switch result {
            case .success(let token):
                let identity = Identity(name: token.name, method: name)
                let lasts = min(token.expires - seconds, Self.memory)
                verified.remember(known, identity, until: now + .seconds(Int64(lasts)), now: now)
                return .accepted(identity)
            case .failure(let refusal):
                // The issuer may have begun to sign with another key.
                if refusal == .key { keys.isOutdated() }
                return .wrong
            }
        }
    }

    func start() async throws(StageError) { try await keys.start() }

    func refresh() async -> [AuthNotice] { await keys.refresh() }
}

/// Where keys would have to be fetched, and nothing can be: no token can be verified.
private struct NoJWTKeys: JWTKeySource {
    var current: (set: JWTKeySet, generation: Int)? { nil }
    func start() async throws(StageError) {}
    func refresh() async -> [AuthNotice] { [] }
    func isOutdated() {}
}

/// Where an issuer's keys come from.
protocol JWTKeySource: Sendable {
    /// Nil as long as there never were any.
    var current: (set: JWTKeySet, generation: Int)? { get }
    func start() async throws(StageError)
    func refresh() async -> [AuthNotice]
    /// Somebody came with a key that isn't known.
    func isOutdated()
}

final class JWTKeyFile: JWTKeySource {
    private let file: WatchedFile<JWKSet>
    private let algorithms: [JWTAlgorithmName]
    private let state = Mutex<(set: JWTKeySet, generation: Int)?>(nil)

    init(_ path: String, algorithms: [JWTAlgorithmName]) throws(StageError) {
        file = try WatchedFile(path, key: "methods") { try JWKSet(json: $0) }
        self.algorithms = algorithms
    }

    var current: (set: JWTKeySet, generation: Int)? { state.withLock { $0 } }

    func start() async throws(StageError) {
        guard await load() else {
            let names = algorithms.map(\.rawValue).joined(separator: ", ")
            throw StageError(.configuration, "\(file.path) has no key for \(names)", key: "methods")
        }
    }

    private func load() async -> Bool {
        let set = await JWTKeySet(file.value, algorithms: algorithms)
        guard !set.keys.isEmpty else { return false }
        state.withLock { $0 = (set, ($0?.generation ?? 0) + 1) }
        return true
    }

    func refresh() async -> [AuthNotice] {
        switch file.refresh() {
        case .none: return []
        case .failed(let reason):
            return [AuthNotice(message: "\(file.path) has changed and can't be used: \(reason)", isProblem: true)]
        case .reloaded:
            guard await load() else {
                return [AuthNotice(message: "\(file.path) has changed and has no key that can be used", isProblem: true)]
            }
            return [AuthNotice(message: "\(file.path) was read again", isProblem: false)]
        }
    }

    func isOutdated() {}
}
