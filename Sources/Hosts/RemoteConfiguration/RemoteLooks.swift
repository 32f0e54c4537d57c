/// What follows from looking at remote texts again and again: a value that is told what each look found.
package struct RemoteLooks: Sendable, Equatable {
    /// What is to be done.
    package enum Action: Sendable, Equatable {
        /// Nothing.
        case nothing
        /// The texts are others: the configuration is to be read anew.
        case reload
        /// They can't be read any more; those before stay in use. Said once for each time that it begins.
        case warn(String)
        /// They can be read again, and are as before.
        case recovered
    }

    /// The texts that count.
    package private(set) var texts: [TextSource: String]
    private var isFailing = false

    /// Begins with what was read at the start.
    package init(_ texts: [TextSource: String]) {
        self.texts = texts
    }

    /// All of them were read.
    package mutating func found(_ new: [TextSource: String]) -> Action {
        let wasFailing = isFailing
        isFailing = false
        guard new == texts else {
            texts = new
            return .reload
        }
        return wasFailing ? .recovered : .nothing
    }

    /// One at least couldn't be read: none counts, for a key without its certificate is of no use.
    package mutating func failed(_ reason: String) -> Action {
        guard !isFailing else { return .nothing }
        isFailing = true
        return .warn(reason)
    }
}
