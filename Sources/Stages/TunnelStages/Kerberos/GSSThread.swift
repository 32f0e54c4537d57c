import NIOCore
import NIOPosix
import Synchronization

/// The thread on which the security library is called: it may wait for a KDC for half a minute, and nobody else may. What is asked waits in
/// a line of which each has a deadline.
final class GSSThread: Sendable {
    static let shared = GSSThread()

    /// How many may wait.
    private static let limit = 64

    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let worker = Mutex(GSSWorker())
    private let state = Mutex((hasBegun: false, waiting: 0, lastID: UInt64(0)))

    /// A number for one handshake.
    func newID() -> UInt64 {
        state.withLock {
            $0.lastID += 1
            return $0.lastID
        }
    }

    /// Has the next token made.
    ///
    /// - Parameters:
    ///   - deadline: Who isn't served by then isn't served any more.
    ///   - then: Called on the thread.
    /// - Returns: Whether there was room in the line.
    func step(
        _ id: UInt64, _ scheme: ProxyScheme, _ identity: GSSIdentity, from bytes: [UInt8], until deadline: NIODeadline,
        then: @escaping @Sendable (Result<[UInt8], ProxyTokenProblem>) -> Void
    ) -> Bool {
        let hasRoom = state.withLock { state in
            guard state.waiting < Self.limit else { return false }
            state.waiting += 1
            begin(&state.hasBegun)
            return true
        }
        guard hasRoom else { return false }
        pool.submit { _ in
            defer { self.state.withLock { $0.waiting -= 1 } }
            let now = NIODeadline.now()
            guard now < deadline else { return }
            then(self.worker.withLock { $0.step(id, scheme, identity, from: bytes, now: now.uptimeNanoseconds / 1_000_000_000) })
        }
        return true
    }

    /// A handshake that has begun is over.
    func forget(_ id: UInt64) {
        guard state.withLock({ $0.hasBegun }) else { return }
        pool.submit { _ in self.worker.withLock { $0.forget(id) } }
    }

    private func begin(_ hasBegun: inout Bool) {
        if !hasBegun { pool.start() }
        hasBegun = true
    }
}
