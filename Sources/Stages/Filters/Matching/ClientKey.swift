package import Addresses
import Pipeline

/// Whose a connection is as far as limits go: whoever has a certificate is known by its key, whatever the address, everybody else by the
/// network.
package enum ClientKey: Hashable, Sendable {
    /// The SHA-256 of the public key, in lowercase hexadecimal digits.
    case certificate(String)
    /// The network of the client's address.
    case network(ClientNetwork)
}

extension Inbound {
    /// Whose the connection is as far as limits go.
    package var clientKey: ClientKey { identity.map { .certificate($0.publicKeyHash) } ?? .network(network) }
}
