package import TunnelStages

#if canImport(FoundationEssentials)
package import FoundationEssentials
#else
package import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Files that only their owner can read, from their first moment on.
package enum PrivateFile {
    /// Writes files that appear whole or not at all, with mode 0600. Without `replacing` an existing file is never touched,
    /// whoever made it and when: the last step is a link, which the file system refuses then. What was put in place before a
    /// failure is taken back.
    package static func write(_ files: [(url: URL, text: String)], replacing: Bool = false) throws(CertificateCommandError) {
        var temporary: [URL] = []
        var placed: [URL] = []
        defer { for file in temporary { unlink(file.path) } }
        do throws(CertificateCommandError) {
            for file in files {
                let draft = draft(for: file.url)
                temporary.append(draft)
                try writeNew(file.text, to: draft, for: file.url)
            }
            for (file, draft) in zip(files, temporary) {
                guard (replacing ? rename(draft.path, file.url.path) : link(draft.path, file.url.path)) == 0 else {
                    throw failure(file.url)
                }
                if !replacing { placed.append(file.url) }
            }
        } catch {
            for file in placed { unlink(file.path) }
            throw error
        }
    }

    /// Puts a text in a file's place, whole or not at all. Whoever could read and write the file still can; one that isn't there
    /// yet is for its owner only. Where a link leads to a file, the file is replaced.
    package static func update(_ url: URL, with text: String) throws(CertificateCommandError) {
        let place = url.resolvingSymlinksInPath()
        var status = stat()
        guard stat(place.path, &status) == 0 else { return try write([(place, text)], replacing: true) }
        let draft = draft(for: place)
        defer { unlink(draft.path) }
        try writeNew(text, to: draft, for: url)
        // Only the superuser can give a file away; for anybody else it is their own.
        _ = chown(draft.path, status.st_uid, status.st_gid)
        guard chmod(draft.path, status.st_mode & 0o7777) == 0, rename(draft.path, place.path) == 0 else { throw failure(url) }
    }

    /// Makes a directory that only its owner can enter, unless it is there.
    package static func makeDirectory(_ url: URL) throws(CertificateCommandError) {
        guard !FileManager.default.fileExists(atPath: url.path) else { return }
        do {
            try FileManager.default.createDirectory(
                at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let descriptor = open(url.path, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW)
            if descriptor >= 0 { giveToFolder(descriptor, url.deletingLastPathComponent()) }
            close(descriptor)
        } catch {
            throw CertificateCommandError(
                .cannotCreate, "the directory \(url.relativePath) can't be made: \(FileProblem.reason(error))")
        }
    }

    /// Reads a whole file as UTF-8 text; throws `noInput` if it can't be.
    package static func read(_ url: URL) throws(CertificateCommandError) -> String {
        do {
            return try String(contentsOf: url, encoding: .utf8)
        } catch {
            let reason = FileManager.default.fileExists(atPath: url.path) ? "can't be read as text" : "doesn't exist"
            throw CertificateCommandError(.noInput, "\(url.relativePath) \(reason)")
        }
    }

    /// Beside the file, so that it can be moved into its place.
    private static func draft(for file: URL) -> URL {
        file.deletingLastPathComponent()
            .appendingPathComponent(".\(file.lastPathComponent).\(UInt64.random(in: .min ... .max))")
    }

    private static func writeNew(_ text: String, to draft: URL, for file: URL) throws(CertificateCommandError) {
        let descriptor = open(draft.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(file) }
        defer { close(descriptor) }
        giveToFolder(descriptor, draft.deletingLastPathComponent())
        guard WholeWrite.write(text.utf8, to: descriptor) else { throw failure(file) }
        guard fsync(descriptor) == 0 else { throw failure(file) }
    }

    /// What the superuser puts into another's folder is that one's: services run as a user of their own, and are set up by the superuser.
    private static func giveToFolder(_ descriptor: CInt, _ folder: URL) {
        var status = stat()
        guard geteuid() == 0, stat(folder.path, &status) == 0, status.st_uid != 0 else { return }
        _ = fchown(descriptor, status.st_uid, status.st_gid)
    }

    private static func failure(_ file: URL) -> CertificateCommandError {
        if errno == EEXIST { return CertificateCommandError(.exists, "\(file.relativePath) exists already") }
        return CertificateCommandError(
            .cannotCreate, "\(file.relativePath) can't be written: \(String(cString: strerror(errno)))")
    }
}
