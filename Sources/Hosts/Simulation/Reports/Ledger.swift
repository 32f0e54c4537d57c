/// What a simulation has seen, as it happened.
package struct Ledger: Sendable, Equatable {
    /// Why a server's process ended.
    package enum Cause: Sendable, Equatable {
        /// The control plane decided it; the reason is the decision's.
        case sleep(String)
        /// It was killed, on a schedule or by an agent.
        case kill
        /// A limit of hours or costs was reached, which nobody overrides; the reason is the decision's.
        case limit(String)
        /// ECS had too many of it.
        case scaledIn
        /// Somebody stopped the task by hand.
        case restarted
        /// Spot took the capacity back.
        case reclaimed
        /// The process crashed.
        case crashed

        /// Whether it was the control plane's decision.
        package var isOurs: Bool {
            if case .sleep = self { return true }
            return false
        }
    }

    /// A use that didn't come to its end.
    package struct Cut: Sendable, Equatable {
        /// When it was cut.
        package var time: Moment
        /// What was cut.
        package var use: Use
        /// Why the process ended.
        package var cause: Cause
    }

    /// The control plane wanted no task any more.
    package struct Sleep: Sendable, Equatable {
        /// When it was decided.
        package var time: Moment
        /// Why, as the decision says it.
        package var reason: String
        /// How many uses were open or waiting then: more than none is a wrong one.
        package var uses: Int
    }

    /// A use that got no answer.
    package struct Refusal: Sendable, Equatable {
        /// When it was given up.
        package var time: Moment
        /// What got no answer.
        package var use: Use
        /// Why, as the agent says it.
        package var reason: String
    }

    /// A time in which a task ran for nobody.
    package struct Idleness: Sendable, Equatable {
        /// When the last use had ended, or the task was made.
        package var from: Moment
        /// When somebody wanted it again, or it was no more.
        package var until: Moment

        /// How many reports were lost in a row in it, at the most: the decision waits for the next one that arrives.
        package var lostReports = 0

        /// How long it was, in seconds.
        package var length: Double { until - from }
    }

    /// Every decision to sleep.
    package var sleeps: [Sleep] = []
    /// Every use that was cut.
    package var cuts: [Cut] = []
    /// Every use that got no answer.
    package var refusals: [Refusal] = []
    /// All times in which a task was there for nobody.
    package var idlenesses: [Idleness] = []
    /// The waits until the first byte, in seconds, of all uses that got one.
    package var waits: [Double] = []
    /// Those of uses that found the server asleep, with their moments.
    package var starts: [(time: Moment, wait: Double)] = []
    /// How many uses came to their end.
    package var served = 0
    /// How often the service was made to want a task.
    package var wakes = 0
    /// How many tasks were made.
    package var tasks = 0
    /// How many processes crashed.
    package var crashes = 0
    /// How often Spot took its capacity back.
    package var reclaims = 0
    /// Seconds of tasks, from when they were made until they were no more.
    package var taskSeconds = 0.0
    /// Of these, the seconds in which somebody used the server or waited for it.
    package var usedSeconds = 0.0
    /// What the idle check answered, and how often.
    package var answers: [String: Int] = [:]
    /// What went wrong in functions, and how often.
    package var failures: [String: Int] = [:]

    package static func == (left: Ledger, right: Ledger) -> Bool {
        left.sleeps == right.sleeps && left.cuts == right.cuts && left.refusals == right.refusals
            && left.idlenesses == right.idlenesses && left.waits == right.waits && left.served == right.served
            && left.wakes == right.wakes && left.tasks == right.tasks && left.taskSeconds == right.taskSeconds
            && left.answers == right.answers && left.failures == right.failures
    }
}
