import Pipeline

extension ServerPresence {
    /// Returns when a connection is up, or after a time.
    func up(within limit: Duration) async {
        let end = ContinuousClock.now + limit
        // Nothing but a person waits for this, and only while a server starts.
        while !isUp, ContinuousClock.now < end, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(50)) }
    }
}
