import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

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

    /// The directory's path.
    package let directory: String
    /// Longer than any invitation.
    private static let limit = 4_096
    /// For how long, in seconds, it is remembered that an invitation was taken or that its time is over: who comes late is told which.
    private static let memory = 30 * 86_400

    /// The directory at a path; it needn't exist yet.
    package init(directory: String) { self.directory = directory }

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
        guard note(key, as: "\(hash).used") else {
            // Somebody else was faster, or nothing can be written down: then nobody gets in.
            guard let owner = read("\(hash).used") else { return .unknown }
            return owner == key ? .taken(invitation) : .used(invitation)
        }
        return .taken(invitation)
    }

    /// Writes a file that isn't there yet, whole or not at all, whenever the process may end.
    private func note(_ text: String, as name: String) -> Bool {
        let draft = path("\(name).\(UInt64.random(in: .min ... .max))")
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer {
            close(descriptor)
            unlink(draft)
        }
        let bytes = Array(text.utf8)
        return write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0 && link(draft, path(name)) == 0
    }

    /// Takes out what has been over for so long that nobody asks for it.
    ///
    /// - Parameter now: Seconds of the Unix epoch.
    package func tidy(now: Int) {
        guard let folder = opendir(directory) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard Self.isHash(name), let invitation = peek(name), invitation.until + Self.memory < now else { continue }
            unlink(path(name))
            unlink(path("\(name).used"))
        }
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// A name that came from elsewhere leads nowhere else.
    private static func isHash(_ name: String) -> Bool {
        name.utf8.count == 64 && name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private func read(_ name: String) -> String? {
        guard Self.isHash(String(name.prefix(64))) else { return nil }
        let descriptor = open(path(name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.limit)
        let count = readBytes(descriptor, &bytes, Self.limit)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

private func readBytes(_ descriptor: CInt, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int { read(descriptor, bytes, count) }
