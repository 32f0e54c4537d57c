/// An exchange that is open, as whoever looks at the running program sees it: never its path, its query, a field or a body.
package struct OpenExchange: Sendable, Equatable {
    /// Its name in logs.
    package var id: ExchangeID
    /// Who it is from: the shortest name of the identity, `-` where none is known.
    package var client: String
    /// Where its client's connection comes from: an address and port, or `unix`.
    package var remote: String
    /// The request's method.
    package var method: String
    /// The host and port that are asked for.
    package var target: String
    /// The branch that took it, where one did.
    package var route: String?
    /// The stage that it has reached last; nil before the first.
    package var stage: StagePlace?
    /// The status of the response, once its head has come.
    package var status: Int?
    /// How long ago it began, in milliseconds.
    package var age: Int64
    /// Body bytes that the client sent.
    package var received: Int64
    /// Body bytes that were sent to the client.
    package var sent: Int64

    /// Whether a text that somebody looks for stands in what is shown of it. Letters count without their case.
    /// - Parameter text: In small letters.
    package func matches(_ text: String) -> Bool {
        target.lowercased().contains(text) || client.lowercased().contains(text) || remote.contains(text) || "\(id)" == text
    }
}

/// Which open exchanges somebody wants to see.
package struct ExchangeQuery: Sendable {
    /// So many at most, of each loop.
    package var limit: Int
    /// What has to stand in the target, the client or its address, in small letters; nil for whatever does.
    package var text: String?

    /// A query for exchanges that have a text in them.
    package init(limit: Int, text: String? = nil) {
        self.limit = limit
        self.text = text?.lowercased()
    }
}

/// The open exchanges that were asked for, and how many there are beside them.
package struct OpenExchanges: Sendable, Equatable {
    /// All that are open.
    package var count = 0
    /// Those that were asked for, the oldest first.
    package var shown: [OpenExchange] = []

    /// Adds what another loop has.
    mutating func add(_ other: OpenExchanges) {
        count += other.count
        shown += other.shown
    }
}
