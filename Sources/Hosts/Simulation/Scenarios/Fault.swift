/// Something that goes wrong in a simulation, for some time.
package struct Fault: Sendable, Equatable {
    /// What goes wrong. Numbers are seconds, or probabilities from 0 to 1.
    package enum Kind: Sendable, Equatable {
        /// Reports show so much later.
        case lateReports(Double)
        /// Reports are lost.
        case lostReports(Double)
        /// The server mayn't report.
        case noReports
        /// GetMetricData has half of what there is, and says so.
        case partialMetrics
        /// The server's clock is off, positive ahead.
        case serverClock(Double)
        /// The functions' clock is off, positive ahead.
        case functionClock(Double)
        /// The tag of the last wake is so far in the future.
        case wokenAhead(Double)
        /// The service wants two tasks whenever it wants one.
        case twoTasks
        /// The running task is stopped by hand after so many seconds, again and again.
        case restarts(Double)
        /// Processes die so many seconds after they began to run.
        case crashLoop(Double)
        /// Tasks never run.
        case brokenImage
        /// An operation, or all, is denied.
        case denied(String?)
        /// An operation, or all, is throttled so often.
        case throttled(String?, Double)
        /// An operation, or all, fails with status 500 so often.
        case failing(String?, Double)
        /// Functions on a schedule run twice so often.
        case twice(Double)
        /// Functions on a schedule run up to so much later.
        case late(Double)
        /// Each agent ends and starts again after so many seconds.
        case agentRestarts(Double)
        /// Scaling in doesn't ask whether a task is protected.
        case protectionIgnored
        /// A task can't have itself protected.
        case protectionUnavailable
    }

    /// What goes wrong.
    package var kind: Kind
    /// From when on, in seconds since the beginning.
    package var from: Double
    /// Until when.
    package var until: Double

    /// A fault, by default for the whole time.
    package init(_ kind: Kind, from: Double = 0, until: Double = .infinity) {
        self.kind = kind
        self.from = from
        self.until = until
    }
}

/// What goes wrong at one moment, all faults together.
struct Troubles: Sendable {
    var lateness = 0.0
    var loss = 0.0
    var reports = true
    var isPartial = false
    var serverClock = 0.0
    var functionClock = 0.0
    var wokenAhead: Double?
    var hasTwoTasks = false
    var crashesAfter: Double?
    var imageIsBroken = false
    var refusals: [Refusal] = []
    var twice = 0.0
    var late = 0.0
    var protectionIgnored = false
    var protectionUnavailable = false

    struct Refusal: Sendable {
        var operation: String?
        var status: Int
        var name: String
        var probability: Double
    }

    init(_ faults: [Fault], at elapsed: Double) {
        for fault in faults where fault.from <= elapsed && elapsed < fault.until {
            switch fault.kind {
            case .lateReports(let seconds): lateness += seconds
            case .lostReports(let probability): loss = max(loss, probability)
            case .noReports: reports = false
            case .partialMetrics: isPartial = true
            case .serverClock(let seconds): serverClock += seconds
            case .functionClock(let seconds): functionClock += seconds
            case .wokenAhead(let seconds): wokenAhead = seconds
            case .twoTasks: hasTwoTasks = true
            case .restarts, .agentRestarts: break
            case .crashLoop(let seconds): crashesAfter = seconds
            case .brokenImage: imageIsBroken = true
            case .denied(let operation):
                refusals.append(Refusal(operation: operation, status: 400, name: "AccessDeniedException", probability: 1))
            case .throttled(let operation, let probability):
                refusals.append(Refusal(operation: operation, status: 400, name: "ThrottlingException", probability: probability))
            case .failing(let operation, let probability):
                refusals.append(Refusal(operation: operation, status: 500, name: "ServerException", probability: probability))
            case .twice(let probability): twice = max(twice, probability)
            case .late(let seconds): late = max(late, seconds)
            case .protectionIgnored: protectionIgnored = true
            case .protectionUnavailable: protectionUnavailable = true
            }
        }
    }
}
