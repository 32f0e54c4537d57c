#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The few questions that a configuration asks the file system, each with a bound.
package enum FileAccess {
    /// What stands under a path, symbolic links followed.
    package enum Kind {
        /// Anything that is no folder: a pipe and a socket too.
        case file
        /// A folder.
        case directory
        /// Nothing: the path, or a folder on it, doesn't exist.
        case missing
        /// The system didn't say, for this reason: a folder on the path may not be searched.
        case unreachable(String)
    }

    /// Why a file couldn't be read.
    package struct Failure: Error {
        /// The reason as the end of a sentence: `it doesn't exist`.
        package var reason: String
    }

    /// A path that starts from `directory` where it is relative. Text alone: nothing is looked up.
    package static func resolve(_ path: String, from directory: String) -> String {
        path.hasPrefix("/") || directory.isEmpty ? path : directory + (directory.hasSuffix("/") ? "" : "/") + path
    }

    /// The folder that a file is in; "" for the current one.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The same for every way to write where a file is or is to be: by the folder as the system knows it.
    package static func plain(_ path: String) -> String {
        let folder = directory(of: path)
        let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
        guard let real = realpath(folder.isEmpty ? "." : folder, nil) else { return path }
        defer { free(real) }
        return resolve(String(name), from: String(cString: real))
    }

    /// What stands under a path now (stat(2)).
    package static func kind(of path: String) -> Kind {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return errno == ENOENT || errno == ENOTDIR ? .missing : .unreachable(reason(errno))
        }
        return status.st_mode & S_IFMT == S_IFDIR ? .directory : .file
    }

    /// Reads a file of at most `limit` bytes; nil when it has more. Never holds more than that.
    package static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(reason: reason(errno)) }
        defer { close(descriptor) }
        return try read(descriptor, limit: limit)
    }

    /// What an open file has from its beginning on; nil where it is more than `limit` bytes.
    static func read(_ descriptor: Int32, limit: Int) throws(Failure) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= limit {
            let count = chunk.withUnsafeMutableBytes { readOnce(descriptor, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(reason: reason(errno))
            }
            bytes.append(contentsOf: chunk[..<count])
        }
        return nil
    }

    static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT: "it doesn't exist"
        case EACCES, EPERM: "permission denied"
        case EISDIR: "it is a folder"
        default: String(cString: strerror(code))
        }
    }
}

private func readOnce(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
