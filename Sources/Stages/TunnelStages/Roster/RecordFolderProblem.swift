#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a folder of records can't be read or written.
package struct RecordFolderProblem: Error, Equatable, CustomStringConvertible {
    /// The folder's path.
    package let path: String
    /// The system's number of the error (errno(3)).
    package let code: CInt

    /// A problem with the folder at a path.
    package init(path: String, code: CInt) {
        self.path = path
        self.code = code
    }

    /// Whether there is no folder, and so nothing in it.
    package var isMissing: Bool { code == ENOENT }

    /// The folder and the reason.
    package var description: String { "the folder \(path) can't be read or written: \(String(cString: strerror(code)))" }
}
