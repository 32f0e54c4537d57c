import Pipeline

/// The connection that exchanges go over, with what speaks on it. While the server is being dialled there may be several, for more than
/// one of a name's addresses may be tried at once: then the last counts until it is known which is ready.
struct SessionAttempts<Handler> {
    private(set) var current: (connection: Outbound, handler: Handler)?
    private var open: [(connection: Outbound, handler: Handler)] = []

    mutating func begin(_ connection: Outbound, _ handler: Handler) {
        current = (connection, handler)
        open.append((connection, handler))
    }

    /// What speaks on the others, which nobody needs any more.
    mutating func ready(_ connection: Outbound) -> [Handler] {
        defer { open = [] }
        current = open.first { $0.connection === connection } ?? current
        return open.filter { $0.connection !== connection }.map(\.handler)
    }

    /// - Parameter connection: Nil for one that never came to be.
    /// - Returns: Whether it was the current one. One that was going away may end after its successor has come.
    @discardableResult
    mutating func lost(_ connection: Outbound?) -> Bool {
        open = []
        guard connection == nil || connection === current?.connection else { return false }
        current = nil
        return true
    }

    /// What comes from now on goes to a new connection.
    mutating func retire() { current = nil }
}
