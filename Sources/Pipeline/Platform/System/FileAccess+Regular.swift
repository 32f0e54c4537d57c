#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension FileAccess {
    /// What a file is to the system, whatever its paths are: the device and the number on it.
    package struct Identity: Sendable, Hashable {
        fileprivate let device: UInt64
        fileprivate let number: UInt64

        fileprivate init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            number = UInt64(truncatingIfNeeded: status.st_ino)
        }
    }

    /// What a path leads to now; nil where there is nothing.
    package static func identity(of path: String) -> Identity? {
        var status = stat()
        return stat(path, &status) == 0 ? Identity(status) : nil
    }

    /// Reads a regular file of at most `limit` bytes. Pipes, sockets and devices are refused and never waited for.
    /// - Returns: The bytes, nil where there are more, and which file it was.
    package static func readRegular(_ path: String, limit: Int) throws(Failure) -> (bytes: [UInt8]?, identity: Identity) {
        // Without O_NONBLOCK, opening a pipe waits for whoever writes to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw Failure(reason: reason(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Failure(reason: reason(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(reason: status.st_mode & S_IFMT == S_IFDIR ? "it is a folder" : "it is no regular file")
        }
        return (try read(descriptor, limit: limit), Identity(status))
    }
}
