import NIOCore
import Synchronization

/// Whether exchanges may pass, for the ports of all loops: one look for each exchange while they may.
final class ProtectionGate: Sendable {
    /// What becomes of exchanges that come.
    enum Phase: Sendable, Equatable {
        /// They pass.
        case open
        /// They wait for a moment.
        case closed
        /// They are given back: another server is to do them.
        case leaving
    }

    private struct State {
        var phase = Phase.closed
        var listeners: [@Sendable () -> Void] = []
    }

    private let isOpenNow = Atomic(false)
    private let state = Mutex(State())
    /// One for any number of exchanges that wait.
    let asked: AsyncStream<Void>
    private let asking: AsyncStream<Void>.Continuation

    /// A gate that is closed.
    init() {
        (asked, asking) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var isOpen: Bool { isOpenNow.load(ordering: .relaxed) }
    var phase: Phase { state.withLock { $0.phase } }

    /// Something waits.
    func ask() { asking.yield() }

    func enter(_ phase: Phase) {
        let listeners = state.withLock { state in
            guard state.phase != phase, state.phase != .leaving else { return [@Sendable () -> Void]() }
            state.phase = phase
            isOpenNow.store(phase == .open, ordering: .relaxed)
            return state.listeners
        }
        for listener in listeners { listener() }
    }

    /// Calls `body` on `loop` after every change.
    func observe(on loop: any EventLoop, _ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append { loop.execute(body) } }
    }
}
