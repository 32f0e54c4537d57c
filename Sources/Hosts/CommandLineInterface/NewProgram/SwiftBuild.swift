import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
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
        do throws(ChildProcess.Problem) {
            return try ChildProcess(words, ProcessInfo.processInfo.environment).wait() == 0 ? .done : .failed
        } catch {
            return .missing
        }
    }
}
