#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The end of this process, as ECS would ask for it a moment later.
enum ProcessEnding {
    /// Sends SIGTERM to this process: whoever runs the pipeline lets what is open finish.
    static func request() { kill(getpid(), SIGTERM) }
}
