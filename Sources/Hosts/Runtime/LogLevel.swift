package import Logging
import Synchronization

/// The least important messages that the process logs. It can be changed while it runs.
package final class LogLevel: Sendable {
    /// That of this process; what a configuration says of it counts until somebody sets another.
    package static let process = LogLevel()

    private static let levels = Logger.Level.allCases
    /// The place among all levels; -1 where nobody has set one.
    private let chosen = Atomic(-1)

    /// A level that nobody has set.
    package init() {}

    /// The level that somebody has set while the program runs; nil where nobody has.
    package var override: Logger.Level? {
        let index = chosen.load(ordering: .relaxed)
        return index < 0 ? nil : Self.levels[index]
    }

    /// Has messages of another level logged from now on.
    package func set(_ level: Logger.Level) {
        chosen.store(Self.levels.firstIndex(of: level) ?? -1, ordering: .relaxed)
    }
}
