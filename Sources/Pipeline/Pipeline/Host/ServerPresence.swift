public import ConfigurationLanguage
public import NIOCore
import Synchronization

/// Whether the server is there, and where: what a host that wakes servers and the stages that use them tell each other.
///
/// Stages report connections, ask for the server when a request needs it, and are told of every change on their loops.
public final class ServerPresence: Sendable {
    /// What is known of the server.
    public enum Phase: Sendable, Equatable {
        /// Nobody has asked for it, or it went away.
        case asleep
        /// Somebody was asked to start it. What is expected is for people: `60-90 seconds`.
        case waking(expected: String?)
        /// At least one connection to it is up.
        case up
        /// It could not be woken; a sentence for a person.
        case failed(String)
    }

    private struct State {
        var phase = Phase.asleep
        var address: HostPort?
        var connections = 0
        var listeners: [@Sendable () -> Void] = []
        var demands = 0
        /// Who waits for a connection.
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
    }

    /// How long a request may wait for the server to start.
    public let patience: Duration
    /// How long dialling anew may take at most while the server starts.
    public let retryInterval: Duration
    /// How many requests may wait, and how many bytes of them may be held.
    public let holdLimit: Int
    /// The bytes of waiting requests from which on no more may wait.
    public let holdBytes: Int
    /// Whether the server isn't to learn that its agent has gone.
    public let leavesQuietly: Bool
    /// Whether somebody can say where the server is.
    public let canDiscover: Bool
    private let state = Mutex(State())
    private let demand: AsyncStream<Void>
    private let demandContinuation: AsyncStream<Void>.Continuation

    /// A server that is asleep, at an address that isn't known.
    package init(
        patience: Duration, retryInterval: Duration, holdLimit: Int, holdBytes: Int, leavesQuietly: Bool, canDiscover: Bool
    ) {
        self.patience = patience
        self.retryInterval = retryInterval
        self.holdLimit = holdLimit
        self.holdBytes = holdBytes
        self.leavesQuietly = leavesQuietly
        self.canDiscover = canDiscover
        (demand, demandContinuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// What is known of the server now.
    public var phase: Phase { state.withLock { $0.phase } }
    /// Whether at least one connection to the server is up.
    public var isUp: Bool { state.withLock { $0.phase == .up } }
    /// Where it was found last; nil while that isn't known, or where the configuration says it.
    public var address: HostPort? { state.withLock { $0.address } }

    // MARK: - For stages

    /// A request needs the server.
    public func want() { demandContinuation.yield() }

    /// Calls `body` on `loop` after every change of phase or address, for as long as the presence lives.
    public func observe(on loop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append { loop.execute(body) } }
    }

    /// Calls `body` after every change of phase or address, on the thread of whoever changed it.
    package func observe(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append(body) }
    }

    /// A connection to the server works.
    public func connected() {
        change { state in
            state.connections += 1
            state.phase = .up
        }
    }

    /// A connection that worked is no more. With the last one the server counts as gone: whoever needs it asks for it.
    public func disconnected() {
        change { state in
            state.connections = max(0, state.connections - 1)
            if state.connections == 0, state.phase == .up { state.phase = .asleep }
        }
    }

    // MARK: - For the host

    /// Requests for the server, one for any number that come while one is being served.
    public var demands: AsyncStream<Void> { demand }

    /// The server is being started, or could not be. Says nothing once it is up.
    public func enter(_ phase: Phase) {
        change { state in
            if state.connections == 0 { state.phase = phase }
        }
    }

    /// It was found there. Whoever dials it is told even if nothing has changed, so that they try at once.
    public func found(at address: HostPort?) {
        change { state in
            if let address { state.address = address }
        }
    }

    /// Returns once a connection is up, or when the task is cancelled.
    package func untilUp() async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isOver = state.withLock { state in
                    // Cancelled before this: the handler found nobody.
                    guard state.phase != .up, !Task.isCancelled else { return true }
                    state.waiters[id] = waiter
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let (listeners, waiters) = state.withLock { state in
            body(&state)
            defer { if state.phase == .up { state.waiters = [:] } }
            return (state.listeners, state.phase == .up ? state.waiters.sorted { $0.key < $1.key }.map(\.value) : [])
        }
        for waiter in waiters { waiter.resume() }
        for listener in listeners { listener() }
    }
}
