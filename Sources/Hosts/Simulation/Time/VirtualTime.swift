import Synchronization

/// The time of one simulation, and the executor of everything that is asynchronous in it.
///
/// Jobs run one after the other on the thread that calls `run`, in the order in which they came; only when none is left does the time move, to
/// whatever is next. So a run depends on nothing but what it was given.
package final class VirtualTime: TaskExecutor {
    private enum Entry {
        case event(SimulatedEvent)
        case sleeper(Int)
    }

    private struct State {
        var now: Moment
        var agenda = Agenda<Entry>()
        var sleepers: [Int: CheckedContinuation<Void, any Error>] = [:]
        var lastSleeper = 0
        var jobs: [UnownedJob] = []
    }

    private let state: Mutex<State>

    init(start: Moment) {
        state = Mutex(State(now: start))
    }

    /// The time.
    package var now: Moment { state.withLock { $0.now } }

    /// Takes a job, which runs when `run` comes to it.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    /// Something is to happen at a time; what is past happens now.
    func add(_ event: SimulatedEvent, at time: Moment) {
        state.withLock { $0.agenda.add(.event(event), at: max(time, $0.now)) }
    }

    func add(_ event: SimulatedEvent, after seconds: Double) {
        state.withLock { $0.agenda.add(.event(event), at: $0.now + max(0, seconds)) }
    }

    /// Waits for a time of the simulation.
    func sleep(_ seconds: Double) async throws {
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    guard !Task.isCancelled else { return true }
                    state.sleepers[id] = continuation
                    // Rounded up: whoever waits until a time looks whether it has come.
                    let time = Moment(milliseconds: state.now.milliseconds + Int((max(0, seconds) * 1_000).rounded(.up)))
                    state.agenda.add(.sleeper(id), at: time)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }

    /// Runs until the time is over; `handle` is called with each event at its time.
    func run(until end: Moment, _ handle: (SimulatedEvent) -> Void) {
        state.withLock { $0.agenda.settle() }
        var jobs: [UnownedJob] = []
        while true {
            work(&jobs)
            let next = state.withLock { state -> Entry? in
                guard let next = state.agenda.removeFirst(until: end) else { return nil }
                state.now = next.time
                return next.content
            }
            switch next {
            case nil:
                state.withLock { $0.now = end }
                return
            case .event(let event): handle(event)
            case .sleeper(let id): state.withLock { $0.sleepers.removeValue(forKey: id) }?.resume()
            }
        }
    }

    /// Runs what there is to run. `jobs` takes turns with the list of what comes meanwhile, so that neither is made anew.
    private func work(_ jobs: inout [UnownedJob]) {
        while true {
            jobs.removeAll(keepingCapacity: true)
            state.withLock { swap(&$0.jobs, &jobs) }
            guard !jobs.isEmpty else { return }
            for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
        }
    }
}
