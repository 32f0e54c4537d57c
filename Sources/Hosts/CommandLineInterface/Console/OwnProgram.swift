import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// This program, to be started again with other arguments.
enum OwnProgram {
    /// Its path, or the name by which it was called where the system doesn't tell.
    static var path: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ProgramArguments.all.first ?? "fluidity"
    }

    /// Goes on as a program that was started with these arguments.
    static func become(_ arguments: [String]) throws -> Never {
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        // Threads of the runtime block signals, and the mask outlives the program.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        execv(path, &words)
        throw StageError(.unavailable, "\(path) can't be run again: \(String(cString: strerror(errno)))")
    }
}
