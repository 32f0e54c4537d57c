import CArguments

/// The words that the process was started with.
enum ProgramArguments {
    /// All of them, the program's name first. `CommandLine` has none on a Linux whose /proc isn't mounted, and a health check without its
    /// words would print the help and succeed.
    static let all: [String] = {
        let known = CommandLine.arguments
        guard known.isEmpty else { return known }
        return (0..<fluidity_argument_count()).compactMap { fluidity_argument($0).map { String(cString: $0) } }
    }()

    /// Those behind the program's name.
    static var words: [String] { Array(all.dropFirst()) }
}
