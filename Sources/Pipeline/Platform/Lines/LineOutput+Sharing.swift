import Dispatch
import Synchronization

/// The outputs of the process, by the files that they are: a file that is opened twice, under two names even, has one.
extension LineOutput {
    private struct Reference {
        weak var output: LineOutput?
    }

    private static let outputs = Mutex<[LineFile.Identity: Reference]>([:])
    static let standardError = shared(.standardError())

    /// The output of the file at a path, which is opened for appending, and made if it isn't there. Throws what is wrong.
    static func opening(_ path: String) throws(LineFileProblem) -> LineOutput {
        // First of all: a path may lead to the same file.
        _ = standardError
        return shared(try .open(path))
    }

    /// Every output that is open.
    static var all: [LineOutput] { outputs.withLock { $0.values.compactMap(\.output) } }

    private static func shared(_ file: LineFile) -> LineOutput {
        guard let identity = file.identity else { return LineOutput(file) }
        return outputs.withLock { outputs in
            if let output = outputs[identity]?.output {
                file.close()
                return output
            }
            let output = LineOutput(file)
            outputs = outputs.filter { $0.value.output != nil }
            outputs[identity] = Reference(output: output)
            return output
        }
    }
}
