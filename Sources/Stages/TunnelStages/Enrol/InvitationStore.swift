/// The directory with the invitations that are open and those that were taken: `HASH`, what the invitation says, and `HASH.used`, for which key
/// it was taken. A code is kept as its hash alone. Several processes may work on one directory, for every step is one of the file system.
package struct InvitationStore: Sendable {
    /// Where an invitation stands when somebody comes with its code.
    package enum Claim: Sendable, Equatable {
        /// It is this key's, now or since an attempt before, whose answer may not have arrived.
        case taken(Invitation)
        /// There is none of this code, or there was one once.
        case unknown
        /// Its time is over.
        case expired(Invitation)
        /// Another key has it.
        case used(Invitation)
    }

    private let folder: RecordFolder
    /// For how long, in seconds, it is remembered that an invitation was taken or that its time is over: who comes late is told which.
    private static let memory = 30 * 86_400

    /// The directory at a path; it needn't exist yet.
    package init(directory: String) { folder = RecordFolder(path: directory) }

    /// The invitation of a code, which nobody takes by looking.
    ///
    /// - Parameter hash: The code's, as `InvitationLine.hash` makes it.
    package func peek(_ hash: String) -> Invitation? { read(hash).flatMap(Invitation.init(text:)) }

    /// Takes the invitation of a code for a key. Blocks for as long as the file system does.
    ///
    /// - Parameters:
    ///   - hash: The code's, as `InvitationLine.hash` makes it.
    ///   - key: A hash of the key that asks, in hexadecimal digits.
    ///   - now: Seconds of the Unix epoch.
    package func claim(_ hash: String, for key: String, now: Int) -> Claim {
        guard let invitation = peek(hash) else { return .unknown }
        if let owner = read("\(hash).used") { return owner == key ? .taken(invitation) : .used(invitation) }
        guard now <= invitation.until else { return .expired(invitation) }
        guard folder.create("\(hash).used", key) else {
            // Somebody else was faster, or nothing can be written down: then nobody gets in.
            guard let owner = read("\(hash).used") else { return .unknown }
            return owner == key ? .taken(invitation) : .used(invitation)
        }
        return .taken(invitation)
    }

    /// Takes out what has been over for so long that nobody asks for it.
    ///
    /// - Parameter now: Seconds of the Unix epoch.
    package func tidy(now: Int) {
        for (hash, invitation) in invitations where invitation.until + Self.memory < now {
            folder.remove(hash)
            folder.remove("\(hash).used")
        }
    }

    /// Takes out the invitations for a name that nobody has taken yet, and says how many.
    package func withdraw(_ name: String) -> Int {
        let open = invitations.filter { $0.invitation.name == name && read("\($0.hash).used") == nil }
        return open.count { folder.remove($0.hash) }
    }

    private var invitations: [(hash: String, invitation: Invitation)] {
        (folder.names ?? []).filter(Roster.isKey).compactMap { hash in peek(hash).map { (hash, $0) } }
    }

    /// A name that came from elsewhere leads nowhere else.
    private func read(_ name: String) -> String? { Roster.isKey(String(name.prefix(64))) ? folder.read(name) : nil }
}
