/// Has one reload end before the next begins, whoever asks for them.
actor ReloadLine {
    private var last: Task<Void, Never>?

    /// Does work when all that was asked for before is done, and returns what came of it.
    func wait<Result: Sendable>(for work: @escaping @Sendable () async -> Result) async -> Result {
        let before = last
        let task = Task {
            await before?.value
            return await work()
        }
        last = Task { _ = await task.value }
        return await task.value
    }
}
