#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
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
    ///   - lasts: Whether it waits until the text would outlast a loss of power.
    package init(for place: String, _ text: String, lasts: Bool = true) throws(SystemProblem) {
        let folder = FileAccess.directory(of: place)
        let name = place[(place.lastIndex(of: "/").map { place.index(after: $0) } ?? place.startIndex)...]
        path = FileAccess.resolve(".\(name).\(UInt64.random(in: .min ... .max))", from: folder)
        self.place = place
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        FolderOwner.give(descriptor, in: folder)
        guard WholeWrite.write(text.utf8, to: descriptor), !lasts || fsync(descriptor) == 0 else {
            let problem = SystemProblem.last
            discard()
            throw problem
        }
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
