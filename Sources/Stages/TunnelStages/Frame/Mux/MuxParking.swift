import NIOCore
import Synchronization

/// What all sessions of a stage share that can be resumed, on all loops.
final class MuxParking: Sendable {
    /// What a session keeps is told in steps of this size, in bytes.
    static let step = 64 << 10
    /// What a session may keep once all together keep as much as they may, in bytes: a little, so that it goes on.
    static let least = 256 << 10

    /// What a session counts as beside what it keeps, in bytes.
    static let cost = 4 << 10

    let settings: ResumptionSettings
    /// An acceptor's.
    let sessions = ResumableSessions<MuxHandler>()
    private let memory = Atomic<Int>(0)
    private let draining = Atomic<Bool>(false)

    init(_ settings: ResumptionSettings) {
        self.settings = settings
    }

    /// What all sessions keep, with what they cost themselves, in bytes.
    var kept: Int { memory.load(ordering: .relaxed) }

    /// Whether another session can be resumed.
    var hasRoom: Bool { kept < settings.memory && !isDraining }

    /// What a session keeps has changed by so many bytes.
    /// - Returns: What it may keep.
    func note(_ change: Int) -> Int {
        let now = memory.add(change, ordering: .relaxed).newValue
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
