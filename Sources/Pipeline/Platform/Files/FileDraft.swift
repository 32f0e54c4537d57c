#if canImport(Glibc)
package import Glibc
#elseif canImport(Musl)
package import Musl
#else
package import Darwin
#endif

/// A text that is written beside the file that it is to be, so that the file is there whole or not at all, whenever the process may end. Every
/// call blocks for as long as the file system does.
package struct FileDraft: Sendable {
    /// Where it lies until it is in its place: `.NAME.NUMBER`, in the same folder.
    package let path: String
    private let place: String

    /// Writes the text, for its owner alone to read (0600); in another's folder, what the superuser writes is that one's.
    ///
    /// - Parameters:
    ///   - place: The path of the file that it is to be.
    ///   - status: Of a file whose owner, group and rights it gets in place of those, as far as this user may give them. Nobody else may read it
    ///     before, and it is never given by its path, which somebody else may have put another file at.
    ///   - lasts: Whether it waits until the text would outlast a loss of power.
    package init(for place: String, _ text: String, like status: stat? = nil, lasts: Bool = true) throws(SystemProblem) {
        let folder = FileAccess.directory(of: place)
        let name = place[(place.lastIndex(of: "/").map { place.index(after: $0) } ?? place.startIndex)...]
        path = FileAccess.resolve(".\(name).\(UInt64.random(in: .min ... .max))", from: folder)
        self.place = place
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        if let status { Self.give(descriptor, like: status) } else { FolderOwner.give(descriptor, in: folder) }
        guard WholeWrite.write(text.utf8, to: descriptor), !lasts || fsync(descriptor) == 0 else {
            let problem = SystemProblem.last
            discard()
            throw problem
        }
    }

    private static func give(_ descriptor: CInt, like status: stat) {
        // Only the superuser can give a file away; for anybody else it is their own, in one of their groups.
        if fchown(descriptor, status.st_uid, status.st_gid) != 0 { _ = fchown(descriptor, uid_t.max, status.st_gid) }
        var given = stat()
        guard fstat(descriptor, &given) == 0 else { return }
        // What another group could do with that file is none of this group's business.
        _ = fchmod(descriptor, status.st_mode & (given.st_gid == status.st_gid ? 0o777 : 0o707))
    }

    /// Makes it the file of its place, where there is none yet, whoever else may be at it. The draft stays beside it until it is discarded.
    package func link() throws(SystemProblem) {
        guard linkFile(path, place) == 0 else { throw .last }
    }

    /// Puts it in the place of the file that may be there.
    package func replace() throws(SystemProblem) {
        guard rename(path, place) == 0 else { throw .last }
    }

    /// Takes the draft away, if it is still there.
    package func discard() { unlink(path) }
}

private func linkFile(_ from: String, _ to: String) -> CInt { link(from, to) }
