#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the system answered in place of doing what it was asked.
package struct SystemProblem: Error, Equatable, CustomStringConvertible {
    /// The error's number (errno(3)).
    package let code: CInt

    /// A problem of that number.
    package init(code: CInt) { self.code = code }

    /// The problem of the call that has just failed on this thread.
    package static var last: SystemProblem { SystemProblem(code: errno) }

    /// Whether something is in the place already.
    package var isThereAlready: Bool { code == EEXIST }

    /// The reason in the system's words.
    package var description: String { String(cString: strerror(code)) }
}
