import Addresses

/// Whose an exchange is as far as waiting goes: all that one client has waits in one line. Who has a name is known by it, wherever he is; an
/// agent's clients by what the agent tells of them; everybody else by his certificate's key or his network.
package struct ExchangeParty: Hashable {
    private enum Holder: Hashable {
        case name(String)
        case certificate(String)
        case network(ClientNetwork)
    }

    private let holder: Holder
    /// A number for whom the program at the other end belongs to, the same for all of its clients.
    package var programNumber: Int { holder.hashValue }
    /// Which of the clients of the program at the other end it is; 0 where that doesn't tell.
    private let group: UInt64

    /// Whose an exchange is, as far as is known when it begins to wait.
    package init(_ exchange: Exchange) {
        if let identity = exchange.identity, identity.method != "client-certificate" {
            holder = .name(identity.name)
            group = 0
        } else {
            let client = exchange.client
            holder = client.identity.map { .certificate($0.publicKeyHash) } ?? .network(client.network)
            group = exchange.clientConnection?.group ?? 0
        }
    }
}
