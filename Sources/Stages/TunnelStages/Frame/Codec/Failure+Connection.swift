import HTTPMessages
import Pipeline

/// How streams end with the connection that carries them, in the words of every codec.
extension Failure {
    static func connectionLost(to peer: String) -> Failure { Failure(.tunnelLost, "the connection to \(peer) was lost") }
    static func connectionClosed(to peer: String) -> Failure { Failure(.tunnelLost, "the connection to \(peer) was closed") }

    static func connectionFailed(to peer: String, _ error: any Error) -> Failure {
        Failure(.tunnelLost, "the connection to \(peer) failed: \(ConnectionFailure.words(for: error))")
    }

    /// The same as a peer is told of an exchange that was handed on: of that nobody may say that it was never begun.
    var onceBegun: Failure {
        switch code {
        case .refused, .draining: Failure(.tunnelLost, message)
        default: self
        }
    }

    /// Whether a peer that goes away for this reason goes in order, so that what it says of the streams that it began can be trusted.
    var isOrderlyLeave: Bool { code == .draining || code == .none }
}
