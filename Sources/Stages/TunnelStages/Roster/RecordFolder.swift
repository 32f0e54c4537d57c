import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A folder of small texts that several processes read and write at once: a text is there whole or not at all, whenever a process may end.
/// Every call blocks for as long as the file system does.
package struct RecordFolder: Sendable {
    /// The folder's path.
    package let path: String
    /// The longest text that is read, in bytes.
    private static let limit = 4_096

    /// The folder at a path; it needn't exist yet.
    package init(path: String) { self.path = path }

    /// The text of that name; nil where there is none that can be read. Links aren't followed.
    package func read(_ name: String) -> String? {
        let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.limit)
        let count = readBytes(descriptor, &bytes, Self.limit)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Whether a text of that name is there, whatever can be read of it; nil where that can't be found out.
    package func has(_ name: String) -> Bool? {
        var status = stat()
        if lstat("\(path)/\(name)", &status) == 0 { return true }
        return errno == ENOENT ? false : nil
    }

    /// Throws where no text can be put into the folder.
    package func checkWritable() throws(RecordFolderProblem) {
        guard access(path, W_OK | X_OK) == 0 else { throw RecordFolderProblem(path: path, code: errno) }
    }

    /// Writes a text of a name that isn't there yet, which outlasts a loss of power. False where it is, or can't be written.
    package func create(_ name: String, _ text: String) -> Bool {
        guard withDraft(of: name, text, lasts: true, { (draft) throws(SystemProblem) in try draft.link() }) else { return false }
        let folder = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard folder >= 0 else { return true }
        // Not every file system does that with a folder; the text is there all the same.
        _ = fsync(folder)
        close(folder)
        return true
    }

    /// Writes a text in the place of the one that may be there.
    ///
    /// - Parameter lasts: Whether it waits until the text would outlast a loss of power.
    package func replace(_ name: String, _ text: String, lasts: Bool = true) -> Bool {
        withDraft(of: name, text, lasts: lasts) { (draft) throws(SystemProblem) in try draft.replace() }
    }

    /// Takes a text out; false where it is still there.
    @discardableResult
    package func remove(_ name: String) -> Bool { unlink("\(path)/\(name)") == 0 || errno == ENOENT }

    /// What is in the folder, in no order; all of it or nothing.
    package func names() throws(RecordFolderProblem) -> [String] {
        guard let folder = opendir(path) else { throw RecordFolderProblem(path: path, code: errno) }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            // The end of the folder and an error in the middle of it differ by this alone (readdir(3)).
            errno = 0
            guard let entry = readdir(folder) else {
                let code = errno
                guard code == 0 else { throw RecordFolderProblem(path: path, code: code) }
                return names
            }
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
    }

    /// The same, of which there is nothing where there is no folder.
    package func namesIfThere() throws(RecordFolderProblem) -> [String] {
        do throws(RecordFolderProblem) { return try names() } catch {
            guard error.isMissing else { throw error }
            return []
        }
    }

    /// Whether there is no folder.
    package var isMissing: Bool {
        var status = stat()
        return stat(path, &status) != 0 && errno == ENOENT
    }

    /// Makes the folder, for its owner alone, unless it is there.
    package func make() -> Bool {
        var status = stat()
        guard mkdir(path, 0o700) == 0 else {
            return errno == EEXIST && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
        FolderOwner.give(folder: path)
        return true
    }

    /// Takes out drafts of processes that have ended while they wrote.
    ///
    /// - Parameter earliest: Older ones go, in seconds of the Unix epoch.
    package func tidyDrafts(olderThan earliest: Int) {
        for name in (try? names()) ?? [] where Self.isDraft(name) {
            if let stamp = FileStamp("\(path)/\(name)"), stamp.seconds < earliest { remove(name) }
        }
    }

    /// `.KEY.NUMBER`, or with an ending between the two.
    private static func isDraft(_ name: String) -> Bool {
        guard name.hasPrefix("."), Roster.isKey(String(name.dropFirst().prefix(64))) else { return false }
        let parts = name.dropFirst(65).split(separator: ".", omittingEmptySubsequences: false)
        return (2...3).contains(parts.count) && parts[0].isEmpty && UInt64(parts[parts.count - 1]) != nil
    }

    /// Whether the text was written and is where `place` has put it.
    private func withDraft(
        of name: String, _ text: String, lasts: Bool, _ place: (FileDraft) throws(SystemProblem) -> Void
    ) -> Bool {
        do throws(SystemProblem) {
            let draft = try FileDraft(for: "\(path)/\(name)", text, lasts: lasts)
            defer { draft.discard() }
            try place(draft)
            return true
        } catch {
            return false
        }
    }
}

private func readBytes(_ descriptor: CInt, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int { read(descriptor, bytes, count) }

/// A text of lines `key: value`.
package enum RecordText {
    /// The lines of those that have a value. A value's white space and control characters become single blanks, so that it stays on its line.
    package static func text(_ values: KeyValuePairs<String, String?>) -> String {
        values.compactMap { key, value in value.map { "\(key): \(ForeignText.line($0, limit: 500))\n" } }.joined()
    }

    /// The values by their keys; nil for a text with other lines.
    package static func values(_ text: String) -> [Substring: String]? {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            values[line[..<colon]] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return values
    }
}
