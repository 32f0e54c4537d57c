/// What a server that can't protect its task says instead: that the task is in use, until when. It stands in a tag of the service, which
/// `sleep` reads before it decides and once more after it has changed the number of tasks.
package struct UseDeclaration: Sendable, Equatable {
    /// How long what a server declares is believed, in seconds. A server that goes on to be in use declares it anew long before.
    package static let validity = 600.0

    /// Until when the task is in use, in seconds of the Unix epoch by the server's clock.
    package var until: Double
    /// The task, as `ServiceTags.shortName` has it.
    package var task: String

    /// A declaration of a task, until a time in seconds of the Unix epoch.
    package init(until: Double, task: String) {
        self.until = until
        self.task = task
    }

    /// Reads a tag's value: the time and the task; nil for anything else.
    package init?(_ tag: String) {
        let parts = tag.split(separator: " ")
        guard parts.count == 2, let until = Int(parts[0]) else { return nil }
        self.init(until: Double(until), task: String(parts[1]))
    }

    /// The tag's value.
    package var tag: String { "\(Int(until)) \(task)" }

    /// Whether it is to be believed at a time, in seconds of the Unix epoch. One from a clock that is far ahead isn't.
    package func holds(at now: Double) -> Bool {
        now < until && until <= now + Self.validity + SleepPolicy.clockTolerance
    }
}
