import Platform

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

    /// What became of a name's invitations that were withdrawn.
    package struct Withdrawal: Sendable, Equatable {
        /// How many nobody can take any more.
        package var count = 0
        /// The keys of those who had taken one before.
        package var owners: [String] = []
    }

    private let folder: RecordFolder
    /// For how long, in seconds, it is remembered that an invitation was taken or that its time is over: who comes late is told which.
    private static let memory = 30 * 86_400
    /// For how long, in seconds behind an invitation's end, the key that took it may ask again, should the answer have been lost.
    private static let repetition = 3_600
    /// In the place of a key: nobody has the invitation, or will.
    private static let withdrawn = "withdrawn"

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
    ///   - key: SHA-256 of the key that asks (SubjectPublicKeyInfo), in lowercase hexadecimal digits, as in the roster.
    ///   - now: Seconds of the Unix epoch.
    package func claim(_ hash: String, for key: String, now: Int) -> Claim {
        guard let invitation = peek(hash) else { return .unknown }
        if let owner = read("\(hash).used") { return standing(invitation, of: owner, for: key, now: now) }
        guard now <= invitation.until else { return .expired(invitation) }
        guard folder.create("\(hash).used", key) else {
            // Somebody else was faster, or nothing can be written down: then nobody gets in.
            guard let owner = read("\(hash).used") else { return .unknown }
            return standing(invitation, of: owner, for: key, now: now)
        }
        return .taken(invitation)
    }

    private func standing(_ invitation: Invitation, of owner: String, for key: String, now: Int) -> Claim {
        guard owner != Self.withdrawn else { return .unknown }
        guard owner == key else { return .used(invitation) }
        return now - Self.repetition <= invitation.until ? .taken(invitation) : .expired(invitation)
    }

    /// Takes out what has been over for so long that nobody asks for it.
    ///
    /// - Parameter now: Seconds of the Unix epoch.
    package func tidy(now: Int) {
        let earliest = now - Self.memory
        for (hash, invitation) in (try? invitations()) ?? [] where invitation.until < earliest {
            folder.remove(hash)
            folder.remove("\(hash).used")
        }
        // Of those that were withdrawn the mark alone is there.
        for name in (try? folder.names()) ?? [] where name.hasSuffix(".used") && Roster.isKey(String(name.dropLast(5))) {
            guard folder.has(String(name.dropLast(5))) == false, let stamp = FileStamp("\(folder.path)/\(name)") else { continue }
            if stamp.seconds < earliest { folder.remove(name) }
        }
        folder.tidyDrafts(olderThan: now - Self.repetition)
    }

    /// Takes out the invitations for a name that nobody has taken yet. That is the same step as taking one: of two who are at it at once, one
    /// has it.
    package func withdraw(_ name: String) throws(RecordFolderProblem) -> Withdrawal {
        var withdrawal = Withdrawal()
        for (hash, invitation) in try invitations() where invitation.name == name {
            try folder.checkWritable()
            if folder.create("\(hash).used", Self.withdrawn) || read("\(hash).used") == Self.withdrawn {
                withdrawal.count += folder.remove(hash) ? 1 : 0
            } else if let owner = read("\(hash).used"), Roster.isKey(owner) {
                withdrawal.owners.append(owner)
            }
        }
        return withdrawal
    }

    private func invitations() throws(RecordFolderProblem) -> [(hash: String, invitation: Invitation)] {
        try folder.namesIfThere().filter(Roster.isKey).compactMap { hash in peek(hash).map { (hash, $0) } }
    }

    /// A name that came from elsewhere leads nowhere else.
    private func read(_ name: String) -> String? { Roster.isKey(String(name.prefix(64))) ? folder.read(name) : nil }
}
