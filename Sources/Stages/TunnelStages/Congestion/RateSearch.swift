/// Lets `bbr` notice that it has found the rate.
///
/// It begins by sending almost three times as much as arrives, until for three round trips that no longer becomes more. But it counts only
/// those in which the sender always had something ready, and one that waits for its peer's windows again and again hasn't. Then it never
/// ends its search: in bursts it fills the queue in front of the line, and what doesn't fit is lost. So when the rate has been found, what
/// goes out is held a little below it, for as long as it takes: there is always something ready, and the queue becomes empty.
///
/// A value; it is told once in a round trip what `bbr` believes, while there is more to send than is taken.
struct RateSearch: Equatable {
    enum Step: Equatable {
        case goesOn
        /// No more than so many bytes in a second are to go out.
        case hold(UInt64)
        /// As many as `bbr` wants.
        case release
    }

    private enum State: Equatable {
        /// The rate was that much when it last had become a quarter more, so many round trips ago.
        case growing(UInt64, since: Int)
        /// For so many round trips.
        case holding(Int)
        case over
    }

    /// So many round trips without a quarter more, and the rate has been found: as `bbr` itself has it.
    private static let enough = 3
    /// What was on its way before the rate was held has to arrive, and then `bbr` counts its three. If it doesn't end the search in this
    /// time, there was too little to send.
    private static let patience = 10

    private var state = State.growing(0, since: 0)

    var isOver: Bool { state == .over }

    /// What comes now begins anew.
    mutating func begin() -> Step {
        defer { state = .growing(0, since: 0) }
        if case .holding = state { return .release }
        return .goesOn
    }

    /// - Parameters:
    ///   - rate: In bytes per second.
    ///   - isSearching: Whether it sends far more than arrives to find out.
    mutating func note(rate: UInt64, isSearching: Bool) -> Step {
        switch state {
        case .growing(let best, let since):
            guard isSearching else { return end(.goesOn) }
            if rate >= best, rate - best >= best / 4 {
                state = .growing(rate, since: 0)
            } else if since + 1 < Self.enough {
                state = .growing(best, since: since + 1)
            } else {
                state = .holding(0)
                return .hold(rate - rate / 8)
            }
            return .goesOn
        case .holding(let count):
            guard isSearching, count + 1 < Self.patience else { return end(.release) }
            state = .holding(count + 1)
            return .goesOn
        case .over:
            return .goesOn
        }
    }

    private mutating func end(_ step: Step) -> Step {
        state = .over
        return step
    }
}
