/// Why a file can't be written to: a sentence for a person that names the file.
package struct LineFileProblem: Error, CustomStringConvertible {
    package var message: String

    package var description: String { message }
}
