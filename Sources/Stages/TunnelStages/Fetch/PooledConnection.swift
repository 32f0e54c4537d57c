import NIOCore
import Pipeline

/// A connection as its pool sees it.
protocol PooledConnection: AnyObject {
    /// Whom it may serve. Doesn't change while the connection is idle.
    var owner: ConnectionOwner { get }
    /// Since when it is idle, if it is.
    var idleSince: NIODeadline { get }
    /// How often its owner may still go before others who wait.
    var courtesy: Int { get set }
    /// Whether stages let an exchange go to the connection's address.
    func hasAddress(allowedFor exchange: Exchange) -> Bool
}

extension PooledConnection {
    func mayServe(_ exchange: Exchange) -> Bool { owner.admits(exchange) && hasAddress(allowedFor: exchange) }
}
