/// Told of every exchange when it has ended, on the exchange's loop.
public protocol ExchangeLog: Sendable {
    func finished(_ exchange: Exchange)
}
