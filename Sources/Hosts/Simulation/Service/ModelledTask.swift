/// A task of the modelled service, as ECS tells of it.
struct ModelledTask: Sendable, Equatable {
    /// Why a task ends.
    enum End: Sendable, Equatable {
        /// The service wants fewer tasks.
        case scaledIn
        /// Somebody called StopTask.
        case stopped(by: String)
        /// The capacity is taken back.
        case reclaimed
        /// The process ended by itself.
        case exited
        /// The task never ran.
        case failedToStart(String)
    }

    /// What is in store for the task once it was made; the model's chance decides.
    struct Fate: Sendable, Equatable {
        /// How long it takes until it runs, or until it has failed to, in seconds.
        var startTakes: Double
        /// Why it never runs; nil if it does.
        var failure: String?
        /// After how many seconds of running the process crashes; nil for never.
        var crashesAfter: Double?
        /// After how many seconds of running Spot takes the capacity back; nil for never.
        var reclaimedAfter: Double?
    }

    let number: Int
    let created: Moment
    let fate: Fate
    let arn: String
    let interface: String
    var started: Moment?
    /// When it was told to stop.
    var told: Moment?
    var stopped: Moment?
    var end: End?
    /// What its process ended with; nil if it never ran, or still does.
    var exitCode: Int?
    var protectedUntil: Moment?

    init(number: Int, created: Moment, fate: Fate) {
        self.number = number
        self.created = created
        self.fate = fate
        let name = Self.name(number)
        arn = Self.prefix + name
        interface = "eni-\(name.prefix(17))"
    }

    var isWanted: Bool { told == nil && stopped == nil }
    var isRunning: Bool { started != nil && told == nil && stopped == nil }
    var isAlive: Bool { stopped == nil }

    func isProtected(_ now: Moment) -> Bool { protectedUntil.map { $0 > now } ?? false }

    /// Each start has another address.
    var address: String { "198.18.\(number / 250 % 250).\(number % 250 + 1)" }

    /// As ECS writes it: what was told to stop runs no more, although its process does.
    var lastStatus: String {
        if stopped != nil { return "STOPPED" }
        if told != nil { return "STOPPING" }
        return started == nil ? "PENDING" : "RUNNING"
    }

    var stopCode: String? {
        switch end {
        case nil: nil
        case .scaledIn: "ServiceSchedulerInitiated"
        case .stopped: "UserInitiated"
        case .reclaimed: "SpotInterruption"
        case .exited: "EssentialContainerExited"
        case .failedToStart: "TaskFailedToStart"
        }
    }

    var stoppedReason: String? {
        switch end {
        case nil: nil
        case .scaledIn: "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)"
        case .stopped(let reason): reason
        case .reclaimed: "Your Spot Task was interrupted."
        case .exited: "Essential container in task exited"
        case .failedToStart(let reason): reason
        }
    }

    private static let prefix = "arn:aws:ecs:us-east-1:123456789012:task/fluidity/"

    /// 32 hexadecimal digits that differ from the beginning.
    private static func name(_ number: Int) -> String {
        let digits = String(UInt64(number) &* 0x9E37_79B9_7F4A_7C15 | 1 << 63, radix: 16)
        return digits + digits
    }

    /// The number of the task with that ARN or id among these.
    static func index(of text: String, in tasks: [ModelledTask]) -> Int? {
        tasks.firstIndex { $0.arn == text } ?? tasks.firstIndex { $0.arn.hasSuffix("/" + text) }
    }
}
