/// Why a stage could not be made or started.
public struct StageError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it is; the program's exit status follows from it.
    public enum Code: Sendable {
        /// The configuration can't work as it is. Exit status 65 (EX_DATAERR).
        case configuration
        /// A resource is taken or can't be had, a port say. Exit status 69 (EX_UNAVAILABLE).
        case unavailable
    }

    /// What kind of failure it is.
    public var code: Code
    /// A sentence for a person, without its full stop.
    public var message: String
    /// The configuration key at fault, where there is one.
    public var key: String?

    /// An error.
    /// - Parameter key: The configuration key at fault, dotted; nil where none is.
    public init(_ code: Code, _ message: String, key: String? = nil) {
        self.code = code
        self.message = message
        self.key = key
    }

    public var description: String { message }
}
