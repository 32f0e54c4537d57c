import Pipeline

/// Whom a connection to an origin may serve. It is everybody's until somebody proves on it who he is; from then on, for as long as
/// it lasts, it is his, for the origin answers whatever comes over it as his.
enum ConnectionOwner: Equatable {
    case everybody
    case client(ClientConnection)
    /// A client that can't be told from others: nobody can use the connection again.
    case unknown

    /// How long one that is a client's own is kept unused, at least and at most.
    private static let leastOwned = Duration.seconds(5)
    private static let mostOwned = Duration.seconds(30)

    /// How long a connection is kept unused, where the configuration has a time for all. A client's own is of use to nobody else, and yet
    /// the client needs a moment for its next step.
    func idleTime(of time: Duration) -> Duration {
        self == .everybody ? time : min(max(time, Self.leastOwned), Self.mostOwned)
    }

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
