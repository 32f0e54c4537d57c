public import NIOCore

/// Something that has to have happened by a time. Confined to its loop.
public protocol Expiring: AnyObject {
    /// The time by which it has to have happened, or nil while nothing is waited for. May be changed at any time.
    var deadline: NIODeadline? { get }
    /// The entry's place in the sweep; the sweep's own.
    var sweepIndex: Int? { get set }
    /// Called once a sweep finds the deadline passed.
    func expire(now: NIODeadline)
}

/// Watches many deadlines on one loop with one timer: moving a deadline is a store, where a timer for each would be
/// allocations. A deadline is noticed up to one `resolution` late.
public final class DeadlineSweep {
    private let loop: any EventLoop
    private let resolution: TimeAmount
    private var entries: [any Expiring] = []
    private var timer: Scheduled<Void>?

    /// A sweep that watches nothing yet.
    /// - Parameters:
    ///   - loop: The loop that the sweep and its entries are confined to.
    ///   - resolution: The time from one sweep to the next.
    public init(loop: any EventLoop, resolution: TimeAmount = .milliseconds(250)) {
        self.loop = loop
        self.resolution = resolution
    }

    /// Watches an entry from now on. One that is watched already is left as it is.
    public func add(_ entry: any Expiring) {
        guard entry.sweepIndex == nil else { return }
        entry.sweepIndex = entries.count
        entries.append(entry)
        if timer == nil { schedule() }
    }

    /// Forgets an entry. One that isn't watched is left as it is.
    public func remove(_ entry: any Expiring) {
        guard let index = entry.sweepIndex else { return }
        entry.sweepIndex = nil
        let last = entries.removeLast()
        if last !== entry {
            entries[index] = last
            last.sweepIndex = index
        }
    }

    /// Expires what is due. The timer calls it; tests with their own clock do.
    public func sweep(now: NIODeadline) {
        // What expires may remove itself and others: collected first, then told.
        let due = entries.filter { entry in entry.deadline.map { $0 <= now } ?? false }
        for entry in due where entry.sweepIndex != nil { entry.expire(now: now) }
    }

    private func schedule() {
        timer = loop.assumeIsolated().scheduleTask(in: resolution) { [weak self] in
            guard let self else { return }
            timer = nil
            sweep(now: .now())
            if !entries.isEmpty { schedule() }
        }
    }
}

@available(*, unavailable)
extension DeadlineSweep: Sendable {}
