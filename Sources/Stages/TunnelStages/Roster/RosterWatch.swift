import Logging
import NIOCore
import Pipeline
import Platform
import Synchronization

/// The roster at work: whom it turns away, and whose connections it ends. It looks at the folder every second, and writes down there who was
/// here. Of one process there may be several on one folder: of generations, or of several ways in.
final class RosterWatch: Sendable {
    private struct State {
        var revoked: Set<String> = []
        /// The folder as it was when it was last read.
        var stamp: FileStamp?
        /// The open connections of each key.
        var connections: [String: [ObjectIdentifier: any Channel]] = [:]
        /// Who is to be written down. One for each key, which an authority of ours has certified.
        var news: [String: RosterEntry] = [:]
        var isFailing = false
    }

    /// How often the folder is looked at.
    private static let interval = Duration.seconds(1)
    /// After how many looks it is written down again who is connected.
    private static let reminder = 60

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
    func start() throws(StageError) {
        guard roster.make(), read(now: WallTime.seconds) else {
            throw StageError(
                .unavailable, "the folder \(roster.path) can't be made or read, which says who is revoked", key: "agents")
        }
        roster.tidy(now: WallTime.seconds)
        watching.withLock { watching in
            guard watching == nil else { return }
            watching = Task { await watch() }
        }
    }

    func stop() {
        watching.withLock { watching in
            watching?.cancel()
            watching = nil
        }
        write()
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
            state.connections[key, default: [:]][id] = channel
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
            state.connections[key]?[id] = nil
            if state.connections[key]?.isEmpty == true { state.connections[key] = nil }
        }
    }

    private func watch() async {
        var looks = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard !Task.isCancelled else { return }
            let isFailing = !read(now: WallTime.seconds)
            let wasFailing = state.withLock { state in
                defer { state.isFailing = isFailing }
                return state.isFailing
            }
            if isFailing, !wasFailing {
                logger.error("it can't be read who is revoked; those known so far stay so", metadata: ["folder": "\(roster.path)"])
            }
            looks += 1
            if looks % Self.reminder == 0 { remember() }
            write()
        }
    }

    /// Looks who is revoked, if the folder has changed, and ends the connections of those who are now. False where it can't be read.
    private func read(now: Int) -> Bool {
        guard let stamp = FileStamp(roster.path) else { return false }
        guard state.withLock({ $0.stamp != stamp }) else { return true }
        guard let revoked = roster.revokedKeys else { return false }
        let ended = state.withLock { state in
            // What changes within the clock's tick of a look leaves no other stamp: a young one is looked at again.
            state.stamp = now - stamp.seconds > 2 ? stamp : nil
            let new = revoked.subtracting(state.revoked)
            state.revoked = revoked
            return new.flatMap { key in (state.connections[key] ?? [:]).values.map { (key, $0) } }
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
        let connected = state.withLock { Array($0.connections.keys) }
        for key in connected {
            var entry = roster.entry(key)
            entry.seen = now
            state.withLock { state in if state.news[key] == nil { state.news[key] = entry } }
        }
    }

    private func write() {
        let news = state.withLock { state in
            defer { state.news = [:] }
            return state.news
        }
        for entry in news.values where !roster.note(seen: entry) {
            logger.debug("it can't be written down who was here", metadata: ["folder": "\(roster.path)"])
        }
    }
}
