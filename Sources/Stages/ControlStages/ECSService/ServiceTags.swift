package import AWS
import Platform

/// What functions remember between two runs: tags of the service, read with it in one call and gone with it.
package struct ServiceTags: Sendable, Equatable {
    /// The names of the tags.
    package enum Key {
        /// When the service was last woken, whatever it did then, in seconds of the Unix epoch.
        package static let woken = "fluidity:woken"
        /// When a wake last made the service want a task, in seconds of the Unix epoch.
        package static let begun = "fluidity:begun"
        /// How long the last starts took, as `StartTimes` writes it.
        package static let starts = "fluidity:starts"
        /// Who last made the service want none, and why, as `Ending` writes it.
        package static let ended = "fluidity:ended"
        /// The short name of the task that was last seen protected: its server can say by itself that it is in use.
        package static let protects = "fluidity:protects"
        /// Until when a task is in use that can't be protected, as `UseDeclaration` writes it.
        package static let inUse = "fluidity:in-use"
        /// How long the service was up this month and today, as `UptimeRecord` writes it.
        package static let uptime = "fluidity:uptime"
    }

    private let values: [String: String]

    /// The tags of a service; none if it has none.
    package init(_ service: ECS.Service) {
        var values: [String: String] = [:]
        for tag in service.tags ?? [] { values[tag.key] = tag.value ?? "" }
        self.values = values
    }

    /// A tag's value; nil where there is no such tag.
    package subscript(_ key: String) -> String? { values[key] }
    /// When the service was last woken, whatever it did then.
    package var woken: Double? { seconds(Key.woken) }
    /// When a wake last made the service want a task.
    package var begun: Double? { seconds(Key.begun) }
    /// Who last made the service want none.
    package var ended: Ending? { values[Key.ended].flatMap(Ending.init) }

    /// Which task says that it is in use although it isn't protected.
    package var inUse: UseDeclaration? { values[Key.inUse].flatMap(UseDeclaration.init) }

    private func seconds(_ key: String) -> Double? { values[key].flatMap { Int($0) }.map { Double($0) } }

    /// A task's name without what it has in common with all others: what a tag has room for.
    package static func shortName(_ arn: String) -> String { String(arn.split(separator: "/").last?.prefix(32) ?? "") }
}

/// Who made a service want no task, when and why: what a tag says, and `status` shows.
package struct Ending: Sendable, Equatable {
    /// What ended it.
    package enum Cause: String, Sendable {
        /// The decision that it may sleep. What holds its task in spite of it is in use, and gets it back.
        case sleep
        /// A limit of hours or costs, which nobody overrides.
        case limit
        /// Somebody's wish.
        case kill
    }

    /// What ended it.
    package var cause: Cause
    /// When, in seconds of the Unix epoch.
    package var time: Double
    /// Why, for people: a line of text.
    package var reason: String

    /// What ended a service, at a time in seconds of the Unix epoch.
    package init(_ cause: Cause, at time: Double, _ reason: String) {
        self.cause = cause
        self.time = time
        self.reason = reason
    }

    /// Reads a tag's value: the time, the cause, and the reason.
    package init?(_ tag: String) {
        let parts = tag.split(separator: " ", maxSplits: 2)
        guard parts.count >= 2, let time = Int(parts[0]), let cause = Cause(rawValue: String(parts[1])) else { return nil }
        self.init(cause, at: Double(time), parts.count > 2 ? ForeignText.line(parts[2], limit: 200) : "")
    }

    /// The tag's value. What tags can't hold becomes a space: letters, digits and a few signs are all that they take.
    package var tag: String {
        let text = ForeignText.line(reason, limit: 190).map { character -> Character in
            let isFit = character.isASCII && (character.isLetter || character.isNumber || "_.:/=+-@".contains(character))
            return isFit ? character : " "
        }
        let words = String(text).split(separator: " ").joined(separator: " ")
        return "\(Int(time)) \(cause.rawValue) \(words)"
    }
}
