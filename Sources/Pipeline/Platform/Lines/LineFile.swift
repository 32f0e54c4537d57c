#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file, pipe, terminal or socket that lines are written to, and its descriptor.
struct LineFile: Sendable {
    /// Which file it is, under whatever name it was opened.
    struct Identity: Hashable, Sendable {
        var device: UInt64
        var number: UInt64
    }

    /// What came of a write.
    enum Outcome: Equatable {
        case taken(Int)
        /// There is no room.
        case full
        /// With the system's code for the reason, as in `errno`.
        case failed(CInt)
    }

    /// POSIX's `PIPE_BUF`, in bytes: what is written at once to a pipe that several programs write to stays in one piece.
    static let pieceLimit = Int(PIPE_BUF)

    private let descriptor: CInt
    /// Nil where there is no file, standard error being closed.
    let identity: Identity?
    /// It has no reader that could stop: writing takes what the disk takes.
    let isRegular: Bool

    /// Takes over a descriptor that is open for writing; -1 is a file that can't be written.
    init(_ descriptor: CInt) {
        self.descriptor = descriptor
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            (identity, isRegular) = (nil, false)
            return
        }
        identity = Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev), number: UInt64(truncatingIfNeeded: status.st_ino))
        isRegular = status.st_mode & S_IFMT == S_IFREG
    }

    /// Standard error, by a descriptor of its own: should the program be started without it, its number may become a connection's.
    /// Whether it blocks isn't changed, for other processes that have it would find that changed as well.
    static func standardError() -> LineFile { LineFile(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) }

    /// Opens a file for appending, and makes it if it isn't there. Doesn't wait for anything: not for a reader of a FIFO, nor for a
    /// terminal's line. Throws what is wrong.
    static func open(_ path: String) throws(LineFileProblem) -> LineFile {
        let descriptor = openDescriptor(path)
        guard descriptor >= 0 else {
            throw LineFileProblem(message: "can't write to '\(path)': \(String(cString: strerror(errno)))")
        }
        return LineFile(descriptor)
    }

    func close() { if descriptor >= 0 { closeDescriptor(descriptor) } }

    /// Waits until the file takes something, or fails. False when neither came in time.
    ///
    /// - Parameter patience: In milliseconds.
    func isReady(within patience: CInt) -> Bool {
        guard !isRegular, descriptor >= 0 else { return true }
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&wanted, 1, patience) != 0
    }

    /// Writes once. Whoever shares the file, or a device's driver, may make it wait all the same, so not on an event loop.
    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        while true {
            let count = writeOnce(descriptor, bytes)
            if count > 0 { return .taken(count) }
            switch errno {
            case EINTR where count < 0: continue
            case EAGAIN where count < 0: return .full
            case let code: return .failed(count < 0 ? code : EIO)
            }
        }
    }
}

/// -1 if it can't be opened, for the reason in `errno`.
private func openDescriptor(_ path: String) -> CInt {
    if let inherited = inheritedDescriptor(path) { return fcntl(inherited, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) }
    let common = O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY
    var status = stat()
    // A FIFO that is opened for writing alone waits for a reader, or fails without one, and once more when the reader is replaced.
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFIFO {
        let both = open(path, O_RDWR | common)
        if both >= 0 || errno != EACCES { return both }
        return open(path, O_WRONLY | common)
    }
    return open(path, O_WRONLY | O_CREAT | common, 0o640)
}

/// What a name such as `/dev/stdout` stands for. To open it would fail where it is a socket, or another user's.
private func inheritedDescriptor(_ path: String) -> CInt? {
    switch path {
    case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1": STDOUT_FILENO
    case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2": STDERR_FILENO
    default: nil
    }
}

private func closeDescriptor(_ descriptor: CInt) { close(descriptor) }

private func writeOnce(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
