import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file of a Unix socket: one that nobody listens on any more is in the way and removed, nothing else is.
enum UnixSocketFile {
    static func prepare(_ path: String) throws(StageError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw StageError(.unavailable, "can't listen on unix:\(path): a file of that name is there", key: "listen")
        }
        guard !isAlive(path) else {
            throw StageError(
                .unavailable,
                "can't listen on unix:\(path): another program (or another instance of this one) already listens there",
                key: "listen")
        }
        unlink(path)
    }

    static func remove(_ path: String) { unlink(path) }

    private static func isAlive(_ path: String) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isCopied = withUnsafeMutableBytes(of: &address.sun_path) { field in
            guard path.utf8.count < field.count else { return false }
            field.copyBytes(from: path.utf8)
            return true
        }
        guard isCopied else { return false }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
