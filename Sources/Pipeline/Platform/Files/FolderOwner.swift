#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Whose a new file or folder is: what the superuser puts into another's folder is that one's, for services run as a user of their own and are
/// set up by the superuser.
package enum FolderOwner {
    /// Gives what is open to the owner of the folder that it is in. Nothing happens where somebody else than the superuser asks.
    ///
    /// - Parameters:
    ///   - descriptor: The new file or folder, open.
    ///   - folder: The path of the folder that it is in; "" for the current one.
    package static func give(_ descriptor: CInt, in folder: String) {
        var status = stat()
        guard geteuid() == 0, stat(folder.isEmpty ? "." : folder, &status) == 0, status.st_uid != 0 else { return }
        _ = fchown(descriptor, status.st_uid, status.st_gid)
    }

    /// The same for a folder that was made just now, by its path. A link that somebody has put there meanwhile isn't followed.
    package static func give(folder path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        give(descriptor, in: "\(path)/..")
        close(descriptor)
    }
}
