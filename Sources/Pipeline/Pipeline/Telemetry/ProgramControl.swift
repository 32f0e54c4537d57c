package import Logging

/// What whoever operates the program can ask of it, and have it do, beside what its stages tell. The host is it.
package protocol ProgramControl: Sendable {
    /// The pipeline's generations that run: the newest last.
    var generations: [GenerationView] { get }
    /// How the last reload ended; nil before the first.
    var lastReload: ReloadReport? { get }
    /// How many reloads ended how, since the start.
    var reloads: [ReloadReport.Result: Int] { get }
    /// Looks at log files and certificates anew, reads the pipeline's configuration again and uses it, as SIGHUP has it. Returns when that
    /// is decided.
    func reload() async -> ReloadReport
    /// The least important messages that are logged.
    var logLevel: Logger.Level { get }
    /// Where the admin listener is, with its live page: an address and port, or a socket; nil where there is none.
    var livePage: String? { get }
    /// Has other messages logged from now on, of the whole process, until it ends.
    func setLogLevel(_ level: Logger.Level)
}

/// One of a pipeline's generations, of which the newest takes what comes.
package struct GenerationView: Sendable, Equatable {
    /// From 1; each configuration that is used gets the next.
    package var number: Int
    /// When it began to work, in seconds of the Unix epoch.
    package var since: Int
    /// Whether it only finishes what is open.
    package var isDraining: Bool
    /// SHA-256 of its configuration file, in hexadecimal digits.
    package var configuration: String

    /// A generation as its host knows it.
    package init(number: Int, since: Int, isDraining: Bool, configuration: String) {
        self.number = number
        self.since = since
        self.isDraining = isDraining
        self.configuration = configuration
    }
}

/// How a reload ended.
package struct ReloadReport: Sendable, Equatable {
    /// What became of the configuration that was read.
    package enum Result: String, Sendable, CaseIterable {
        /// It says what is in use already.
        case unchanged
        /// It is in use, as a generation of its own.
        case used
        /// It can't be used, and the one before stays in use.
        case refused
    }

    /// What became of it.
    package var result: Result
    /// Why it is refused, or what of it needs a restart; nil where there is nothing to say.
    package var message: String?
    /// The generation that is in use now.
    package var generation: Int
    /// When it was decided, in seconds of the Unix epoch.
    package var time: Int

    /// A reload that has been decided.
    package init(_ result: Result, _ message: String?, generation: Int, time: Int) {
        self.result = result
        self.message = message
        self.generation = generation
        self.time = time
    }

    /// What it means for whoever looks whether the program is ready; nil where there is nothing to worry about.
    package var warning: String? {
        guard result == .refused else { return nil }
        return "the last reload was refused, and the configuration before stays in use: \(message ?? "no reason is known")"
    }
}
