import Platform
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
        var drafts: [FileDraft] = []
        var placed: [URL] = []
        defer { for draft in drafts { draft.discard() } }
        do throws(CertificateCommandError) {
            for file in files {
                try naming(file.url) { () throws(SystemProblem) in drafts.append(try FileDraft(for: file.url.path, file.text)) }
            }
            for (file, draft) in zip(files, drafts) {
                try naming(file.url) { () throws(SystemProblem) in
                    if replacing { try draft.replace() } else { try draft.link() }
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
        try naming(url) { () throws(SystemProblem) in
            let draft = try FileDraft(for: place.path, text, like: status)
            defer { draft.discard() }
            try draft.replace()
        }
    }

    /// Makes a directory that only its owner can enter, unless it is there.
    package static func makeDirectory(_ url: URL) throws(CertificateCommandError) {
        guard !FileManager.default.fileExists(atPath: url.path) else { return }
        do {
            try FileManager.default.createDirectory(
                at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            FolderOwner.give(folder: url.path)
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

    /// Says of which file it is that something can't be done.
    private static func naming(
        _ file: URL, _ work: () throws(SystemProblem) -> Void
    ) throws(CertificateCommandError) {
        do throws(SystemProblem) { try work() } catch {
            if error.isThereAlready { throw CertificateCommandError(.exists, "\(file.relativePath) exists already") }
            throw CertificateCommandError(.cannotCreate, "\(file.relativePath) can't be written: \(error)")
        }
    }
}
