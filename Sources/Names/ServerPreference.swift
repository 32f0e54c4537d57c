import NIOCore

/// Which of several name servers is asked first. One that doesn't answer costs its time with every name, so that the one which did is asked
/// first for a while.
struct ServerPreference: Sendable, Equatable {
    /// For so long one that didn't answer isn't asked first again.
    static let memory = TimeAmount.minutes(1)

    private var place = 0
    private var until = NIODeadline.uptimeNanoseconds(0)

    /// The place in the list of the one that is asked first.
    func first(at now: NIODeadline) -> Int { now < until ? place : 0 }

    /// An answer came when others had not answered in their time.
    ///
    /// - Parameters:
    ///   - count: How many did not, one after the other.
    ///   - first: The place in the list of the first of them.
    ///   - servers: How many there are in the list.
    mutating func heard(behind count: Int, from first: Int, of servers: Int, at now: NIODeadline) {
        guard servers > 1, count % servers != 0 else { return }
        place = (first + count) % servers
        until = place == 0 ? now : now + Self.memory
    }
}
