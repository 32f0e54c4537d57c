/// Why a certificate could not be made or shown, and the status that the command ends with.
package struct CertificateCommandError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is; each has its exit status.
    package enum Code: Sendable {
        /// What was asked for makes no sense.
        case usage
        /// A file isn't what it should be.
        case data
        /// A file can't be read.
        case noInput
        /// A file can't be made.
        case cannotCreate
        /// A file is there already and isn't overwritten.
        case exists

        /// The exit status, as sysexits(3) has them.
        package var exitStatus: Int32 {
            switch self {
            case .usage: 64
            case .data: 65
            case .noInput: 66
            case .cannotCreate, .exists: 73
            }
        }
    }

    /// The kind of failure, which decides the exit status.
    package var code: Code
    /// What went wrong, as a sentence's end for people.
    package var message: String

    /// A failure with a message for people.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
