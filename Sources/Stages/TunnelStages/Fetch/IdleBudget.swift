import Synchronization

/// How many idle connections all loops of a stage keep together. Each is taken and given back once for an exchange.
final class IdleBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// False when there are as many as there may be.
    func take() -> Bool {
        guard used.add(1, ordering: .relaxed).newValue <= limit else {
            give()
            return false
        }
        return true
    }

    func give() { used.subtract(1, ordering: .relaxed) }
}
