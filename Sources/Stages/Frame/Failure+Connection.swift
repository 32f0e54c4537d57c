import Pipeline

/// How streams end with the connection that carries them, in the words of every codec.
extension Failure {
    static func connectionLost(to peer: String) -> Failure { Failure(.tunnelLost, "the connection to \(peer) was lost") }
    static func connectionClosed(to peer: String) -> Failure { Failure(.tunnelLost, "the connection to \(peer) was closed") }

    static func connectionFailed(to peer: String, _ error: any Error) -> Failure {
        Failure(.tunnelLost, "the connection to \(peer) failed: \(error)")
    }
}
