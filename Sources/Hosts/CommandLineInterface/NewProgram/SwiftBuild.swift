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

/// Swift's package manager, run on a package; what it says comes out as it says it.
struct SwiftBuild {
    /// How it ended.
    enum Outcome: Equatable {
        case done
        case failed
        /// There is no `swift` on this machine.
        case missing
    }

    let folder: String
    let product: String
    let configuration: String
    /// What else it is told.
    let options: [String]

    /// Where the program comes to be.
    var program: String {
        let scratch = options.firstIndex(of: "--scratch-path").flatMap { options.indices.contains($0 + 1) ? options[$0 + 1] : nil }
        return "\(scratch ?? folder + "/.build")/\(configuration)/\(product)"
    }

    /// Runs it, and waits for its end.
    func run() -> Outcome {
        let words = ["swift", "build", "--package-path", folder, "-c", configuration, "--product", product] + options
        let variables = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        var arguments = words.map { strdup($0) } + [nil]
        var environment = variables.map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var child = pid_t()
        guard posix_spawnp(&child, "swift", nil, nil, &arguments, &environment) == 0 else { return .missing }
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0 { guard errno == EINTR else { return .failed } }
        return status == 0 ? .done : .failed
    }
}
