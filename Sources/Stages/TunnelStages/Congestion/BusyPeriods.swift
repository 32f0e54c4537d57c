import NIOCore

/// When a connection has more to send than is taken: from the first such moment after a pause on.
struct BusyPeriods {
    enum Step: Equatable {
        case began
        case goesOn
        /// It has been busy for so long that it has found its rate: said once in a while.
        case settled
    }

    private static let settled = TimeAmount.seconds(2)
    private static let between = TimeAmount.milliseconds(500)

    private let pause: TimeAmount
    private var began = NIODeadline.distantPast
    private var last = NIODeadline.distantPast
    private var told = NIODeadline.distantPast

    init(pause: TimeAmount) { self.pause = pause }

    /// Notes that it is busy.
    mutating func note(_ now: NIODeadline) -> Step {
        defer { last = now }
        guard last != .distantPast, now - last <= pause else {
            began = now
            return .began
        }
        guard now - began >= Self.settled, now - told >= Self.between else { return .goesOn }
        told = now
        return .settled
    }
}
