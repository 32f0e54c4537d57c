import NIOCore
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

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
    private let verified = VerifiedCredentials<Identity>(capacity: 4_096)
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

    func check(_ evidence: AuthEvidence, on loop: any EventLoop) -> AuthOutcome {
        let user: String
        let password: String
        if let given = evidence.password, header == nil {
            (user, password) = given
        } else if let encoded = evidence.credentials("Basic", in: header) {
            guard let decoded = Self.decode(encoded) else { return .wrong }
            (user, password) = decoded
        } else {
            return .absent
        }
        let hash = users.value.users[user]
        let known = verified.hash(user, password, hash?.text ?? "")
        let now = loop.now
        if let identity = verified.value(known, now: now) { return .accepted(identity) }
        guard !evidence.isOverloaded else { return .unavailable }
        let tested = hash ?? nobody
        let identity = Identity(name: user, method: name)
        let fits = work.run(on: loop) { tested.fits(password) }
        guard let fits else { return .unavailable }
        return .pending(
            fits.map { [verified] fits in
                guard fits, hash != nil else { return .wrong }
                verified.remember(known, identity, until: now + Self.memory, now: now)
                return .accepted(identity)
            })
    }

    /// RFC 7617, 2.
    private static func decode(_ encoded: String) -> (String, String)? {
        guard encoded.utf8.count <= 4_096, let data = Data(base64Encoded: encoded),
            let text = String(validating: data, as: UTF8.self), let colon = text.firstIndex(of: ":")
        else { return nil }
        let user = String(text[..<colon])
        let password = String(text[text.index(after: colon)...])
        guard UsersFile.isName(user), password.utf8.count <= 1_024 else { return nil }
        return (user, password)
    }

    func refresh() async -> [AuthNotice] { users.notices() }
}
