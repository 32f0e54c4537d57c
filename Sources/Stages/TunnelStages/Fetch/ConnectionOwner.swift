import Pipeline

/// Whom a connection to an origin may serve. It is everybody's until somebody proves on it who he is; from then on, for as long as
/// it lasts, it is his, for the origin answers whatever comes over it as his.
enum ConnectionOwner: Equatable {
    case everybody
    case client(ClientConnection)
    /// A client that can't be told from others: nobody can use the connection again.
    case unknown

    /// Whether an exchange may go over the connection.
    func admits(_ exchange: Exchange) -> Bool {
        switch self {
        case .everybody: true
        case .client(let owner): exchange.clientConnection == owner
        case .unknown: false
        }
    }

    /// An exchange that is on the connection makes it its client's.
    mutating func claim(for exchange: Exchange) {
        guard self == .everybody else { return }
        self = exchange.clientConnection.map { .client($0) } ?? .unknown
    }
}
