package import Addresses
import Pipeline

/// Whose a connection is as far as limits go: whoever has a certificate is known by its key, whatever the address, everybody else by the
/// network.
package enum ClientKey: Hashable, Sendable {
    /// The SHA-256 of the public key, in lowercase hexadecimal digits.
    case certificate(String)
    case network(ClientNetwork)
}

extension Inbound {
    package var clientKey: ClientKey { identity.map { .certificate($0.publicKeyHash) } ?? .network(network) }
}
