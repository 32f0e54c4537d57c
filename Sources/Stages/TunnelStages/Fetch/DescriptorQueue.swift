import Logging
import NIOCore
import Pipeline
import Platform

/// Exchanges of one loop that wait for a file descriptor for their connection. However many there are, one timer looks whether there are
/// any, and others are asked to give up what they don't need no more often than that.
final class DescriptorQueue {
    /// How many may wait.
    private static let limit = 1_024
    /// How long each may wait: somebody who needs his descriptor for longer won't give it up.
    private static let patience = TimeAmount.seconds(1)
    private static let tick = TimeAmount.milliseconds(50)
    /// How many go on with each tick. Those who find nothing wait again.
    private static let portion = 32

    private let shard: Shard
    private let resume: (UpstreamAttempt) -> Void
    private let refuse: (UpstreamAttempt) -> Void
    private let forget: (UpstreamAttempt) -> Void
    private struct Place: ImpatientElement {
        let attempt: UpstreamAttempt
        let until: NIODeadline
    }

    private var waiting = FairLine<ExchangeParty, Place>()
    private var isTicking = false

    /// - Parameters:
    ///   - resume: Tries once more.
    ///   - refuse: Ends an exchange for which there was no descriptor in time.
    ///   - forget: Told of an attempt whose exchange has ended.
    init(
        shard: Shard, resume: @escaping (UpstreamAttempt) -> Void, refuse: @escaping (UpstreamAttempt) -> Void,
        forget: @escaping (UpstreamAttempt) -> Void
    ) {
        self.shard = shard
        self.resume = resume
        self.refuse = refuse
        self.forget = forget
    }

    private var descriptors: FileDescriptors { shard.telemetry.descriptors }

    /// There was no descriptor for an attempt.
    func wait(_ attempt: UpstreamAttempt) {
        let now = NIODeadline.now()
        var attempt = attempt
        let deadline = attempt.descriptorDeadline ?? min(attempt.deadline, now + Self.patience)
        attempt.descriptorDeadline = deadline
        if descriptors.noteShortage(now: now) {
            shard.logger.warning(
                "there are no file descriptors left for connections: unused ones are closed",
                metadata: ["limit": "\(descriptors.limit)", "hint": "\(FileDescriptors.advice)"])
        }
        guard !attempt.exchange.hasEnded else { return forget(attempt) }
        let party = ExchangeParty(attempt.exchange)
        guard now < deadline, makeRoom(for: party) else { return refuse(attempt) }
        let id = ObjectIdentifier(attempt.exchange)
        waiting.append(Place(attempt: attempt, until: deadline), of: party)
        attempt.exchange.whenAbandoned = { [weak self] in
            guard let self, let place = waiting.popFirst(of: party, where: { ObjectIdentifier($0.attempt.exchange) == id }) else {
                return
            }
            forget(place.attempt)
        }
        descriptors.relieve(now: now)
        tick()
    }

    /// The client that has most places gives one up for another.
    private func makeRoom(for party: ExchangeParty) -> Bool {
        guard waiting.count >= Self.limit else { return true }
        guard let leaving = waiting.popOfHeaviest(for: party) else { return false }
        refuse(taken(leaving.attempt))
        return true
    }

    private func taken(_ attempt: UpstreamAttempt) -> UpstreamAttempt {
        attempt.exchange.whenAbandoned = nil
        return attempt
    }

    private func tick() {
        guard !isTicking, !waiting.isEmpty else { return }
        isTicking = true
        shard.loop.assumeIsolated().scheduleTask(in: Self.tick) {
            self.isTicking = false
            self.goOn(now: .now())
            self.tick()
        }
    }

    private func goOn(now: NIODeadline) {
        descriptors.relieve(now: now)
        var left = min(Self.portion, waiting.count)
        while left > 0, !descriptors.areExhausted, let next = waiting.popFirst() {
            left -= 1
            resume(taken(next.attempt))
        }
        for late in waiting.popExpired(at: now) { refuse(taken(late.attempt)) }
    }
}

@available(*, unavailable)
extension DescriptorQueue: Sendable {}
