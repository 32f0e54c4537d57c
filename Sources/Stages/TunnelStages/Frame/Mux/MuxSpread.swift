/// Over which of several connections the next stream goes.
enum MuxSpread {
    /// What a connection carries.
    struct Load: Equatable {
        /// Streams that have carried much.
        var bulk: Int
        /// All that are open.
        var open: Int
    }

    /// The place of the connection on which the fewest streams are that have carried much, for behind a lost packet of theirs everything
    /// else waits; of these the one with the fewest, and of these the first. Nil where none can take one.
    ///
    /// - Parameter loads: Nil for a connection that takes no stream now.
    static func choose(_ loads: [Load?]) -> Int? {
        var best: (place: Int, load: Load)?
        for (place, load) in loads.enumerated() {
            guard let load else { continue }
            if let best, (best.load.bulk, best.load.open) <= (load.bulk, load.open) { continue }
            best = (place, load)
        }
        return best?.place
    }
}
