#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Where this program is.
enum ProgramPath {
    /// Its path, or the name by which it was called where the system doesn't tell.
    static var own: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments.first ?? "fluidity"
    }
}
