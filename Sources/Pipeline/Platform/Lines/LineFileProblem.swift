/// Why a file can't be written to: a sentence for a person that names the file.
package struct LineFileProblem: Error, CustomStringConvertible {
    /// The sentence, without a line end.
    package var message: String

    package var description: String { message }
}
