import NIOCore
import Pipeline
import Platform

/// When the next attempt is made.
extension Dialer {
    /// Unless only a change of something mends what is in the way: a password or a certificate that is refused isn't shown more often
    /// because somebody asks.
    func hasten() {
        guard !isUp, !isStopped else { return }
        guard isSought || !isSibling else { return start() }
        let now = NIODeadline.now()
        let wait = pace.want(until: now + TimeAmount(configuration.wait), at: now)
        guard mayHasten, connection == nil, !isDialing, isWorthDialing, nextDial > now + wait else { return }
        retry?.cancel()
        redial(in: wait)
    }

    /// After a wait.
    func redial() {
        var generator = SystemRandomNumberGenerator()
        retry?.cancel()
        var wait = isLasting ? patientBackoff.next(using: &generator) : backoff.next(using: &generator)
        mayHasten = !isLasting && !isMismatch && allRest == nil
        if mayHasten { wait = pace.wait(wait, at: .now()) }
        if let presence { wait = min(wait, TimeAmount(presence.retryInterval)) }
        if let allRest { wait = max(wait, allRest.until - .now()) }
        beginRound()
        redial(in: wait)
    }

    private func redial(in wait: TimeAmount) {
        nextDial = .now() + wait
        retry = shard.loop.assumeIsolated().scheduleTask(in: wait) {
            self.nextDial = .distantFuture
            self.dial()
        }
    }
}
