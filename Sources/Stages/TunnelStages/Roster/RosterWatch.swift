import Logging
import NIOCore
import NIOPosix
import Pipeline
import Platform
import Synchronization

/// The roster at work: whom it turns away, and whose connections it ends. It looks at the folder every second, on a thread that may wait, and
/// writes down there who was here. Of one process there may be several on one folder: of generations, or of several ways in.
final class RosterWatch: Sendable {
    private struct State {
        var revoked: Set<String> = []
        /// The folder as it was when it was last read.
        var stamp: FileStamp?
        /// The open connections of each key, and who has it.
        var connections: [String: Connections] = [:]
        /// Who is to be written down. One for each key, which an authority of ours has certified.
        var news: [String: RosterEntry] = [:]
        var isFailing = false
    }

    private struct Connections {
        var entry: RosterEntry
        var channels: [ObjectIdentifier: any Channel] = [:]
    }

    /// How often the folder is looked at.
    private static let interval = Duration.seconds(1)
    /// After how many looks it is written down again who is connected.
    private static let reminder = 60
    /// After how many looks what is long over is taken out.
    private static let day = 86_400
    /// How many are written down at one look: revoking doesn't wait for more.
    private static let portion = 64

    private let roster: Roster
    private let logger: Logger
    private let state = Mutex(State())
    private let watching = Mutex<Task<Void, Never>?>(nil)

    init(_ roster: Roster, logger: Logger) {
        self.roster = roster
        self.logger = logger
    }

    /// Reads who is revoked, and goes on doing so. Throws where the folder isn't there and can't be made, or can't be read: who is revoked
    /// isn't to come in because of that.
    func start() async throws {
        // Files are read and written, which may take long.
        try await NIOThreadPool.singleton.runIfActive { try self.prepare() }
        watching.withLock { watching in
            guard watching == nil else { return }
            watching = Task { await watch() }
        }
    }

    /// Why it isn't known who is revoked; nil while it is.
    var problem: String? {
        state.withLock { $0.isFailing } ? "the folder \(roster.path), which says who is revoked, can't be read" : nil
    }

    private func prepare() throws(StageError) {
        let isNew = roster.isMissing
        guard roster.make(), read(now: WallTime.seconds) else {
            throw StageError(
                .unavailable, "the folder \(roster.path) can't be made or read, which says who is revoked", key: "agents")
        }
        if isNew {
            logger.warning(
                "the folder that says who is revoked wasn't there and was made: nobody is revoked; was it lost?",
                metadata: ["folder": "\(roster.path)"])
        }
        roster.tidy(now: WallTime.seconds)
    }

    func stop() async {
        watching.withLock { watching in
            watching?.cancel()
            watching = nil
        }
        try? await NIOThreadPool.singleton.runIfActive { self.write(.max) }
    }

    /// Lets a peer in, and ends its connection when it is revoked; throws for one that is. On the channel's loop.
    func admit(_ peer: PeerIdentity, _ connection: Inbound) throws(StageError) {
        let (key, channel) = (peer.publicKeyHash, connection.channel)
        let id = ObjectIdentifier(channel)
        var entry = RosterEntry(key: key)
        (entry.name, entry.end, entry.seen, entry.from) = (
            peer.description, peer.certificateEnd, WallTime.seconds, connection.remote
        )
        let isAdmitted = state.withLock { state in
            guard !state.revoked.contains(key) else { return false }
            state.connections[key, default: Connections(entry: entry)].channels[id] = channel
            state.connections[key]?.entry = entry
            state.news[key] = entry
            return true
        }
        guard isAdmitted else {
            throw StageError(.unavailable, "the certificate of '\(ForeignText.line(peer.description, limit: 64))' was revoked")
        }
        channel.closeFuture.whenComplete { _ in self.left(key, id) }
    }

    private func left(_ key: String, _ id: ObjectIdentifier) {
        state.withLock { state in
            state.connections[key]?.channels[id] = nil
            if state.connections[key]?.channels.isEmpty == true { state.connections[key] = nil }
        }
    }

    private func watch() async {
        var looks = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard !Task.isCancelled else { return }
            looks += 1
            if looks % Self.reminder == 0 { remember() }
            let tidies = looks % Self.day == 0
            try? await NIOThreadPool.singleton.runIfActive { self.look(tidies: tidies) }
        }
    }

    /// Blocks for as long as the file system does.
    private func look(tidies: Bool) {
        let isFailing = !read(now: WallTime.seconds)
        let wasFailing = state.withLock { state in
            defer { state.isFailing = isFailing }
            return state.isFailing
        }
        if isFailing, !wasFailing {
            logger.error("it can't be read who is revoked; those known so far stay so", metadata: ["folder": "\(roster.path)"])
        }
        write(Self.portion)
        if tidies { roster.tidy(now: WallTime.seconds) }
    }

    /// Looks who is revoked, if the folder has changed, and ends the connections of those who are now. False where it can't be read.
    private func read(now: Int) -> Bool {
        guard let stamp = FileStamp(roster.path) else { return false }
        guard state.withLock({ $0.stamp != stamp }) else { return true }
        guard let revoked = try? roster.revokedKeys() else { return false }
        let (ended, pardoned) = state.withLock { state in
            // What changes within the clock's tick of a look leaves no other stamp: a young one is looked at again.
            state.stamp = now - stamp.seconds > 2 ? stamp : nil
            let new = revoked.subtracting(state.revoked)
            let pardoned = state.revoked.subtracting(revoked).count
            state.revoked = revoked
            return (new.flatMap { key in (state.connections[key]?.channels ?? [:]).values.map { (key, $0) } }, pardoned)
        }
        if pardoned > 0 {
            logger.notice(
                "some who were revoked no longer are: their files are gone from the folder",
                metadata: ["count": "\(pardoned)", "folder": "\(roster.path)"])
        }
        for (key, channel) in ended {
            logger.notice("the certificate was revoked: its connection ends", metadata: ["key": "\(key)"])
            channel.eventLoop.execute { channel.closeTransport() }
        }
        return true
    }

    /// Who is connected is here now.
    private func remember() {
        let now = WallTime.seconds
        state.withLock { state in
            for (key, connections) in state.connections where state.news[key] == nil {
                state.news[key] = connections.entry
                state.news[key]?.seen = now
            }
        }
    }

    /// - Parameter count: How many at most.
    private func write(_ count: Int) {
        let news = state.withLock { state in
            let news = state.news.values.prefix(count)
            for entry in news { state.news[entry.key] = nil }
            return Array(news)
        }
        for entry in news where !roster.note(seen: entry) {
            logger.debug("it can't be written down who was here", metadata: ["folder": "\(roster.path)"])
        }
    }
}
