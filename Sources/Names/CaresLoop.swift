import CCares
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What runs on the thread of c-ares: waits for its sockets, and carries look-ups on.
final class CaresLoop {
    private let thread: CaresThread
    private let bell: CInt
    private let channels = CaresChannels()
    private var lookups: [LookupKey: NameLookup] = [:]

    init(thread: CaresThread, bell: CInt) {
        self.thread = thread
        self.bell = bell
    }

    func run() {
        _ = ares_library_init(cares_library_all)
        while true {
            for command in thread.takeCommands() { perform(command) }
            advance()
            wait()
        }
    }

    private func perform(_ command: CaresThread.Command) {
        switch command {
        case .begin(let question):
            let lookup = NameLookup(question, channels: channels)
            lookups[question.key] = lookup
            lookup.begin()
            if lookup.isOver { lookups[question.key] = nil }
        case .cancel(let key):
            lookups.removeValue(forKey: key)?.cancel()
        }
    }

    /// Goes on where c-ares has brought something. That may be more at once: a name that can't be asked for, say.
    private func advance() {
        let now = NIODeadline.now()
        for lookup in lookups.values { lookup.noteTime(now) }
        while case let changed = channels.takeChanged(), !changed.isEmpty {
            for lookup in changed where !lookup.isOver {
                lookup.advance(now)
                if lookup.isOver { lookups[lookup.question.key] = nil }
            }
        }
    }

    // MARK: - Waiting

    private func wait() {
        var sockets = [pollfd(fd: bell, events: Int16(POLLIN), revents: 0)]
        var owners: [CaresChannel?] = [nil]
        for channel in channels.busy {
            for (socket, events) in channel.sockets {
                sockets.append(pollfd(fd: socket, events: events, revents: 0))
                owners.append(channel)
            }
        }
        guard poll(&sockets, nfds_t(sockets.count), patience) >= 0 || errno == EINTR else {
            // The kernel has no memory for it, or fewer descriptors are allowed than it is to look at: a little later it may have.
            usleep(10_000)
            return channels.busy.forEach { $0.processTimeouts() }
        }
        if sockets[0].revents != 0 { silence() }
        for (socket, owner) in zip(sockets, owners) where socket.revents != 0 {
            // Errors are read as what they are.
            let failed = socket.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
            owner?.process(
                socket.fd, isReadable: failed || socket.revents & Int16(POLLIN) != 0,
                isWritable: socket.revents & Int16(POLLOUT) != 0)
        }
        for channel in channels.busy { channel.processTimeouts() }
    }

    /// Milliseconds until something is to be done without anybody's asking for it; for ever where nothing is.
    private var patience: CInt {
        let now = NIODeadline.now()
        let waits = channels.busy.compactMap { $0.timeout } + lookups.values.compactMap { $0.delay.map { $0 - now } }
        guard let least = waits.min() else { return -1 }
        return CInt(clamping: (max(least.nanoseconds, 0) + 999_999) / 1_000_000)
    }

    private func silence() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(bell, &bytes, bytes.count) > 0 {}
    }
}

@available(*, unavailable)
extension CaresLoop: Sendable {}
