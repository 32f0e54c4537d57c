/// A point in time of a simulation, in milliseconds of the Unix epoch. Whole, so that a sum of many is as exact as each.
package struct Moment: Sendable, Hashable, Comparable {
    /// Milliseconds of the Unix epoch.
    package var milliseconds: Int

    /// The point so many milliseconds after the Unix epoch.
    package init(milliseconds: Int) {
        self.milliseconds = milliseconds
    }

    /// The point so many seconds after the Unix epoch.
    package init(seconds: Double) {
        milliseconds = Int((seconds * 1_000).rounded())
    }

    /// When every simulation begins: a Monday, at midnight.
    package static let beginning = Moment(seconds: 1_799_020_800)

    /// Seconds of the Unix epoch.
    package var seconds: Double { Double(milliseconds) / 1_000 }

    package static func < (left: Moment, right: Moment) -> Bool { left.milliseconds < right.milliseconds }

    /// The point so many seconds later, or earlier.
    package static func + (moment: Moment, seconds: Double) -> Moment {
        Moment(milliseconds: moment.milliseconds + Int((seconds * 1_000).rounded()))
    }

    /// The seconds between two points.
    package static func - (left: Moment, right: Moment) -> Double { Double(left.milliseconds - right.milliseconds) / 1_000 }
}
