import NIOCore

/// Something that is done, however often it is asked for, once at the end of this turn of the loop. Asking allocates nothing.
final class DeferredAction {
    private let loop: any EventLoop
    private var action: (() -> Void)?
    private var task: (@Sendable () -> Void)?
    private var isScheduled = false

    init(on loop: any EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
        let this = NIOLoopBound(self, eventLoop: loop)
        task = { this.value.run() }
    }

    func schedule() {
        guard !isScheduled, let task else { return }
        isScheduled = true
        loop.execute(task)
    }

    /// It is not done any more, and what it would be done with is let go.
    func cancel() {
        action = nil
        task = nil
    }

    private func run() {
        isScheduled = false
        action?()
    }
}

@available(*, unavailable)
extension DeferredAction: Sendable {}
