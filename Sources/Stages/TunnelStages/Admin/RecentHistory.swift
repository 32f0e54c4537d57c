import Pipeline
import Platform
import Synchronization

/// What has been counted at some moments of the last 15 minutes, for whoever begins to look only now.
final class RecentHistory: Sendable {
    /// Seconds from one point to the next.
    static let interval = 5
    private static let count = 15 * 60 / interval

    /// What was counted since the start, and what was open, at one moment.
    struct Point: Sendable, Equatable {
        /// Seconds of the Unix epoch.
        var time: Int
        /// Exchanges that had begun, and those of them that had failed.
        var begun: Int64
        var failed: Int64
        /// Body bytes from and to clients.
        var received: Int64
        var sent: Int64
        var openExchanges: Int64
    }

    private struct State {
        /// The oldest first.
        var points: [Point] = []
        var task: Task<Void, Never>?
    }

    private let state = Mutex(State())

    /// The points that are kept, the oldest first.
    var points: [Point] { state.withLock { $0.points } }

    /// Looks every few seconds from now on.
    func start(_ telemetry: Telemetry) {
        state.withLock { state in
            guard state.task == nil else { return }
            state.task = Task {
                while !Task.isCancelled {
                    note(Point(await telemetry.snapshot(), time: WallTime.seconds))
                    try? await Task.sleep(for: .seconds(Self.interval))
                }
            }
        }
    }

    func stop() { state.withLock { $0.task.take()?.cancel() } }

    /// Keeps another point, and as many as 15 minutes have.
    func note(_ point: Point) {
        state.withLock { state in
            state.points.append(point)
            state.points.removeFirst(max(0, state.points.count - Self.count))
        }
    }
}
