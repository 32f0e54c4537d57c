import NIOCore
import Synchronization

/// What all sessions of a stage share that can be resumed, on all loops.
final class MuxParking: Sendable {
    /// What a session keeps is told in steps of this size, in bytes.
    static let step = 64 << 10
    /// What a session may keep once all together keep as much as they may, in bytes: a little, so that it goes on.
    static let least = 256 << 10

    let settings: ResumptionSettings
    /// An acceptor's.
    let sessions = ResumableSessions<MuxHandler>()
    private let kept = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)

    init(_ settings: ResumptionSettings) {
        self.settings = settings
    }

    /// Whether another session can be resumed.
    var hasRoom: Bool { kept.load(ordering: .relaxed) < settings.memory && !isDraining }

    /// What a session keeps has changed by so many bytes.
    /// - Returns: What it may keep.
    func note(_ change: Int) -> Int {
        let now = kept.add(change, ordering: .relaxed).newValue
        return now < settings.memory ? settings.store : min(settings.store, Self.least)
    }

    /// Nobody goes on with a session any more.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// The program goes: sessions without a connection end, for none will come.
    func drain() {
        draining.store(true, ordering: .relaxed)
        for session in sessions.all { session.eventLoop.execute { session.value.endIfDetached() } }
    }
}
