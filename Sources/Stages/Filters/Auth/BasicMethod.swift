import ConfigurationLanguage
import NIOCore
import Pipeline
import Platform

/// Names and passwords. Verifying one takes long on purpose, so it happens on threads, and is remembered for a while.
final class BasicMethod: AuthMethod {
    let name = "basic"
    let challenge: String?
    let header: String?
    var readsAuthorization: Bool { header == nil }

    /// How long a password that was right is remembered. A change of the users file counts at once, for the user's hash is part
    /// of what is remembered.
    private static let memory = TimeAmount.minutes(5)

    private let users: WatchedFile<UsersFile>
    private let verified = VerifiedCredentials<Verified>(capacity: 4_096)
    private let work: SlowWork
    /// For users that don't exist: so that it takes as long to say so.
    private let nobody: PasswordHash

    init(_ configuration: BasicConfiguration, realm: String, work: SlowWork = SlowWork()) throws(StageError) {
        users = try WatchedFile(configuration.users.path, key: "methods") { try UsersFile($0) }
        header = configuration.header?.name
        challenge = header == nil ? "Basic realm=\"\(realm)\", charset=\"UTF-8\"" : nil
        self.work = work
        nobody = PasswordHash(fittingNothing: users.value.users.values.first?.function ?? PasswordHash.standard)
    }

    /// Whose password was right, and the hash that it fitted.
    private struct Verified {
        var identity: Identity
        var hash: PasswordHash
    }

    func check(_ evidence: AuthEvidence, on loop: any EventLoop) -> AuthOutcome {
        let now = loop.now
        if header == nil, let (user, password) = evidence.password {
            let known = verified.hash(user[...], password[...])
            return remembered(known, now) ?? verify(user, password, as: known, evidence, on: loop, now)
        }
        guard let encoded = evidence.credentials("Basic", in: header) else { return .absent }
        guard encoded.utf8.count <= 4_096 else { return .wrong }
        // What was right is known as it was sent, so that it needn't be decoded.
        let known = verified.hash(encoded)
        if let outcome = remembered(known, now) { return outcome }
        guard let (user, password) = Self.decode(encoded) else { return .wrong }
        return verify(user, password, as: known, evidence, on: loop, now)
    }

    private func remembered(_ known: KeyedHash.Value, _ now: NIODeadline) -> AuthOutcome? {
        guard let seen = verified.value(known, now: now), users.value.users[seen.identity.name] == seen.hash else { return nil }
        return .accepted(seen.identity)
    }

    private func verify(
        _ user: String, _ password: String, as known: KeyedHash.Value, _ evidence: AuthEvidence, on loop: any EventLoop,
        _ now: NIODeadline
    ) -> AuthOutcome {
        let hash = users.value.users[user]
        let tested = hash ?? nobody
        let identity = Identity(name: user, method: name)
        return evidence.verify(by: work, on: loop) {
            tested.fits(password)
        } judge: { [verified] fits in
            guard fits, let hash else { return .wrong }
            verified.remember(known, Verified(identity: identity, hash: hash), until: now + Self.memory, now: now)
            return .accepted(identity)
        }
    }

    /// RFC 7617, 2.
    private static func decode(_ encoded: Substring) -> (String, String)? {
        var encoded = encoded
        guard let bytes = encoded.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0)) }),
            let text = String(validating: bytes.readableBytesView, as: UTF8.self), let colon = text.firstIndex(of: ":")
        else { return nil }
        let user = String(text[..<colon])
        let password = String(text[text.index(after: colon)...])
        guard UsersFile.isName(user), password.utf8.count <= 1_024 else { return nil }
        return (user, password)
    }

    func refresh() async -> [AuthNotice] { users.notices() }
}
