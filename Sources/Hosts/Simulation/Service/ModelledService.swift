import AWS

/// An ECS service with its scheduler, modelled after what AWS documents: a value that is told what happens and the time, and says what
/// becomes of its tasks.
///
/// - A task that was told to stop has SIGTERM, and SIGKILL after `stopTimeout`.
/// - Scaling in leaves protected tasks alone until their protection ends; StopTask doesn't ask for it. While no more tasks are wanted than
///   are protected, no other one can be, and no protection can be renewed where fewer are wanted (`DEPLOYMENT_BLOCKED`).
/// - Tasks that never reach RUNNING are made at growing intervals, up to 27 minutes; those that die later at once, for ever.
/// - Tasks that have stopped are known for an hour.
struct ModelledService: Sendable {
    /// What becomes of a task by a change.
    enum Change: Sendable, Equatable {
        /// It was made, and will run or fail when its fate says.
        case launched(ModelledTask)
        /// Its process has got SIGTERM.
        case told(Int)
        /// Its process is no more.
        case stopped(Int)
    }

    static let arn = "arn:aws:ecs:us-east-1:123456789012:service/fluidity/fluidity-server"
    private static let remembered = 3_600.0
    private static let longestPause = 1_620.0

    private(set) var desired: Int
    private(set) var tasks: [ModelledTask] = []
    /// By their keys.
    private(set) var tags: [ECS.Tag] = []
    /// When the deployment began, and when it was changed last.
    let created: Moment
    private(set) var updated: Moment
    /// Rises with every change that anybody can see.
    private(set) var version = 0
    private var lastNumber = 0
    private var failuresInARow = 0
    private var nextLaunch: Moment?
    /// The questions that were read already.
    var inputs: [[UInt8]: Input] = [:]
    /// Whether scaling in respects protection. False is what somebody fears who has only read about it.
    var honoursProtection = true

    init(now: Moment, desired: Int = 0) {
        created = now
        updated = now
        self.desired = desired
    }

    var running: Int { tasks.count { $0.isRunning } }
    var pending: Int { tasks.count { $0.isWanted && $0.started == nil } }
    func task(_ number: Int) -> ModelledTask? { tasks.first { $0.number == number } }

    // MARK: - What is asked of it

    mutating func want(_ count: Int, _ now: Moment) {
        guard count != desired else { return }
        desired = count
        updated = now
        version += 1
    }

    mutating func tag(_ key: String, _ value: String) {
        let place = tags.firstIndex { $0.key >= key } ?? tags.count
        if place < tags.count, tags[place].key == key {
            tags[place].value = value
        } else {
            tags.insert(ECS.Tag(key, value), at: place)
        }
        version += 1
    }

    mutating func untag(_ key: String) {
        tags.removeAll { $0.key == key }
        version += 1
    }

    /// Why a task can't be protected, as ECS names it.
    enum ProtectionRefusal: String, Sendable {
        case notValid = "TASK_NOT_VALID"
        /// More tasks would be protected than are wanted.
        case blocked = "DEPLOYMENT_BLOCKED"
    }

    /// Protects a task from scaling in until a time, or no more. A protection that is refused leaves what there was.
    mutating func protect(_ number: Int, until end: Moment?, _ now: Moment) -> ProtectionRefusal? {
        guard let index = tasks.firstIndex(where: { $0.number == number }), tasks[index].isWanted else { return .notValid }
        if end != nil {
            let others = tasks.count { $0.number != number && $0.isWanted && $0.isProtected(now) }
            guard others < desired else { return .blocked }
        }
        tasks[index].protectedUntil = end
        version += 1
        return nil
    }

    /// Tells a task to stop, for another reason than the count.
    mutating func stop(_ number: Int, _ end: ModelledTask.End, _ now: Moment) -> [Change] {
        guard let index = tasks.firstIndex(where: { $0.number == number }), tasks[index].isWanted else { return [] }
        version += 1
        tasks[index].end = end
        tasks[index].told = now
        guard tasks[index].started != nil else { return ended(number, now) }
        return [.told(number)]
    }

    // MARK: - What happens

    /// Its time to start is over: it runs, or has failed to.
    mutating func started(_ number: Int, _ now: Moment) -> [Change] {
        guard let index = tasks.firstIndex(where: { $0.number == number }), tasks[index].isWanted, tasks[index].started == nil
        else { return [] }
        version += 1
        if let failure = tasks[index].fate.failure {
            failuresInARow += 1
            let pause = min(Self.longestPause, 10 * Double(1 << min(failuresInARow, 10)))
            nextLaunch = now + pause
            tasks[index].end = .failedToStart(failure)
            return ended(number, now)
        }
        failuresInARow = 0
        nextLaunch = nil
        tasks[index].started = now
        return []
    }

    /// The process has ended, by itself or because it was told to.
    mutating func exited(_ number: Int, status: Int, _ now: Moment) -> [Change] {
        guard let index = tasks.firstIndex(where: { $0.number == number }), tasks[index].isAlive else { return [] }
        if tasks[index].end == nil { tasks[index].end = .exited }
        tasks[index].exitCode = status
        version += 1
        return ended(number, now)
    }

    private mutating func ended(_ number: Int, _ now: Moment) -> [Change] {
        guard let index = tasks.firstIndex(where: { $0.number == number }) else { return [] }
        tasks[index].stopped = now
        return [.stopped(number)]
    }

    /// The scheduler looks: what is missing is made, what is too much is told to stop. Returns too when it has to look again by itself.
    mutating func reconcile(_ now: Moment, fate: () -> ModelledTask.Fate) -> (changes: [Change], again: Moment?) {
        let forgotten = now + -Self.remembered
        if tasks.contains(where: { $0.stopped.map { $0 < forgotten } ?? false }) {
            tasks.removeAll { $0.stopped.map { $0 < forgotten } ?? false }
            version += 1
        }
        var wanted = tasks.filter(\.isWanted)
        var changes: [Change] = []
        if wanted.count < desired {
            if let nextLaunch, nextLaunch > now { return ([], nextLaunch) }
            for _ in wanted.count..<desired {
                lastNumber += 1
                let task = ModelledTask(number: lastNumber, created: now, fate: fate())
                tasks.append(task)
                changes.append(.launched(task))
            }
            version += 1
            return (changes, nil)
        }
        // What hasn't started goes first, then the newest.
        wanted.sort { ($0.started == nil ? 1 : 0, $0.number) > ($1.started == nil ? 1 : 0, $1.number) }
        let free = wanted.filter { !honoursProtection || !$0.isProtected(now) }
        for task in free.prefix(wanted.count - desired) { changes += stop(task.number, .scaledIn, now) }
        let isHeld = wanted.count - desired > free.count
        let again = isHeld ? wanted.compactMap(\.protectedUntil).filter { $0 > now }.min() : nil
        return (changes, again)
    }
}
