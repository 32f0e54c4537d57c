/// Work that what it does may ask for again, by calling back. It isn't begun within itself then, but done once more by whoever is at it.
struct SerialWork {
    private enum State {
        case idle
        case underWay
        /// It was asked for meanwhile.
        case wanted
    }

    private var state = State.idle

    /// False where it is under way: further up the stack it is done once more.
    mutating func begin() -> Bool {
        guard case .idle = state else {
            state = .wanted
            return false
        }
        state = .underWay
        return true
    }

    /// To be asked when it is done. True if it has to be done once more; else it is over.
    mutating func goesOn() -> Bool {
        guard case .wanted = state else {
            state = .idle
            return false
        }
        state = .underWay
        return true
    }
}
