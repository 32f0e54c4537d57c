/// What happens at a time of a simulation.
enum SimulatedEvent: Sendable, Equatable {
    /// It is looked whether the server is idle. Only what comes by the schedule brings the next.
    case check(isScheduled: Bool)
    /// The server is stopped in any case.
    case kill
    /// Somebody wants to use the server.
    case useBegins(Int)
    /// A use has come to its end, if nothing has cut it.
    case useEnds(Int)
    /// Who waits for the server waits no longer.
    case useGivesUp(Int)
    /// An agent starts, or ends.
    case agentStarts(Int)
    case agentEnds(Int, restarts: Bool)
    /// An agent's connection stands.
    case connected(agent: Int, life: Int, task: Int)
    /// The service's scheduler looks.
    case reconcile
    /// A task's time to start is over.
    case taskStarts(Int)
    /// A task's process crashes, its capacity is taken back, somebody restarts it.
    case taskCrashes(Int)
    case taskReclaimed(Int)
    case taskRestarted(Int)
    /// A process that was told to stop ends by itself, or is killed.
    case processLooks(Int)
    case processKilled(Int)
    /// The server looks whether it has something to report.
    case serverLooks(Int)
    /// The server looks whether its task is to be protected, or no longer.
    case keeperLooks(Int)
    /// ECS gets the server's wish, for so many minutes or none.
    case protectionAsked(Int, minutes: Int?, asked: Moment)
    /// ECS gets what the server declares instead.
    case useDeclared(Int, asked: Moment)
    /// A use has waited long enough for the protection.
    case gateOpens(task: Int, use: Int)
    /// A fault changes something by hand.
    case meddle
}
