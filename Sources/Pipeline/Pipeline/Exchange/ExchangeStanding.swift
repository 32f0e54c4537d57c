import HTTPMessages
import NIOCore

/// Who an exchange is from, and where it may go. One that is within another begins with that one's.
struct ExchangeStanding {
    let client: Inbound
    var clientConnection: ClientConnection?
    var identity: Identity?
    var credentials: Credentials?
    var role = ClientRole.relay
    var route: String?
    var addressChecks: [any AddressCheck] = []

    init(_ client: Inbound) {
        self.client = client
        self.clientConnection = ClientConnection(client)
    }

    var clientName: String { identity?.name ?? client.clientName }

    /// Why no connection may be made to an address: what the first check says that refuses it.
    func refusal(of address: SocketAddress) -> Failure? {
        for check in addressChecks {
            if let refusal = check.refusal(of: address) { return refusal }
        }
        return nil
    }
}

@available(*, unavailable)
extension ExchangeStanding: Sendable {}
