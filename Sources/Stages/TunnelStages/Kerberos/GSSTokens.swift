import NIOCore

/// Makes the tokens of one handshake with a proxy, on the thread of the library. Confined to its loop.
final class GSSTokens: ProxyTokenMaker {
    /// The proxy's own deadline comes behind this one, whose sentence says more.
    private static let margin = TimeAmount.milliseconds(200)

    private let identity: GSSIdentity
    private let thread: GSSThread
    private let loop: any EventLoop
    private let id: UInt64
    private var pending: ((Result<[UInt8], ProxyTokenProblem>) -> Void)?
    private var timer: Scheduled<Void>?

    init(_ identity: GSSIdentity, on loop: any EventLoop, thread: GSSThread = .shared) {
        self.identity = identity
        self.thread = thread
        self.loop = loop
        id = thread.newID()
    }

    deinit { thread.forget(id) }

    func make(
        _ scheme: ProxyScheme, from bytes: [UInt8], until deadline: NIODeadline,
        then: @escaping (Result<[UInt8], ProxyTokenProblem>) -> Void
    ) {
        pending = then
        let deadline = deadline - Self.margin
        timer = loop.assumeIsolated().scheduleTask(deadline: deadline) {
            let place = scheme == .negotiate ? "no answer has come from the KDC" : "the library has made nothing"
            self.end(.failure(ProxyTokenProblem("\(place) in time")))
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let isTaken = thread.step(id, scheme, identity, from: bytes, until: deadline) { result in
            bound.eventLoop.execute { bound.value.end(result) }
        }
        guard !isTaken else { return }
        // Later, as with everything else that fails.
        loop.assumeIsolated().execute { self.end(.failure(ProxyTokenProblem("too many others wait for the KDC"))) }
    }

    private func end(_ result: Result<[UInt8], ProxyTokenProblem>) {
        timer?.cancel()
        timer = nil
        guard let then = pending else { return }
        pending = nil
        then(result)
    }
}

@available(*, unavailable)
extension GSSTokens: Sendable {}
