import NIOPosix
import Pipeline

/// Why a connection could not be opened or was lost, in a few words for a person.
enum ConnectionErrorText {
    /// - Parameter peer: Who is at the other end, where that is known.
    static func describe(_ error: any Error, about peer: String = "the other side") -> String {
        guard let error = error as? NIOConnectionError else { return ConnectionFailure.words(for: error, about: peer) }
        return error.connectionErrors.first.map { describe($0.error, about: peer) } ?? "the name can't be resolved"
    }

    static func describe(errno code: CInt) -> String { ConnectionFailure.words(forSystemError: code) }
}
