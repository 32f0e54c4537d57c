import Pipeline

extension ServerPresence {
    /// Returns when a connection is up, or after a time.
    func up(within limit: Duration, by clock: LifecycleClock) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await clock.sleep(limit) }
            group.addTask { await self.untilUp() }
            await group.next()
            group.cancelAll()
        }
    }
}
