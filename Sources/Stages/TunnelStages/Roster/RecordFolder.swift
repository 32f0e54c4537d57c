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

    /// Writes a text of a name that isn't there yet. False where it is, or can't be written.
    package func create(_ name: String, _ text: String) -> Bool {
        withDraft(of: name, text) { link($0, "\(path)/\(name)") == 0 }
    }

    /// Writes a text in the place of the one that may be there.
    package func replace(_ name: String, _ text: String) -> Bool {
        withDraft(of: name, text) { rename($0, "\(path)/\(name)") == 0 }
    }

    /// Takes a text out; false where it is still there.
    @discardableResult
    package func remove(_ name: String) -> Bool { unlink("\(path)/\(name)") == 0 || errno == ENOENT }

    /// What is in the folder, in no order; nil where it can't be read.
    package var names: [String]? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }

    /// Makes the folder, for its owner alone, unless it is there.
    package func make() -> Bool {
        guard mkdir(path, 0o700) == 0 else { return errno == EEXIST }
        var status = stat()
        // What the superuser makes in a service's folder is the service's.
        if geteuid() == 0, stat("\(path)/..", &status) == 0, status.st_uid != 0 {
            _ = lchown(path, status.st_uid, status.st_gid)
        }
        return true
    }

    private func withDraft(of name: String, _ text: String, _ place: (String) -> Bool) -> Bool {
        let draft = "\(path)/.\(name).\(UInt64.random(in: .min ... .max))"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer {
            close(descriptor)
            unlink(draft)
        }
        var status = stat()
        // What the superuser puts into a service's folder is the service's.
        if geteuid() == 0, stat(path, &status) == 0, status.st_uid != 0 { _ = fchown(descriptor, status.st_uid, status.st_gid) }
        let bytes = Array(text.utf8)
        return write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0 && place(draft)
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
