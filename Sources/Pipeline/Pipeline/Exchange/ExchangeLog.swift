/// Told of every exchange when it has ended, on the exchange's loop.
public protocol ExchangeLog: Sendable {
    /// An exchange has ended. It is called once for each, and must not block: what it does is done on the event loop.
    func finished(_ exchange: Exchange)
}
