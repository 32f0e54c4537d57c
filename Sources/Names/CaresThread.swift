import NIOCore
import NIOPosix
import Pipeline
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Which look-up: of whom, and his number for it.
struct LookupKey: Hashable, Sendable {
    var owner: ObjectIdentifier
    var id: UInt64
}

/// A name that is to be looked up.
struct NameQuestion: Sendable {
    enum Report: Sendable {
        /// Some addresses; the look-up goes on for others.
        case some([IPAddress], ttl: TimeAmount)
        /// All of them, and so the end.
        case found([IPAddress], ttl: TimeAmount)
        /// None, and so the end.
        case failed(NameFailure)
    }

    var key: LookupKey
    var name: String
    /// The system's where there are none.
    var servers: [NameServer]
    /// Called on the thread of c-ares, which waits for it.
    var report: @Sendable (Report) -> Void
}

/// The thread that c-ares has to itself, for SwiftNIO's loops don't wait for others' sockets. It sleeps in poll(2) until a name server
/// answers, a question's time is over, or somebody has something for it to do. It begins with the first look-up and has no end.
final class CaresThread: Sendable {
    static let shared = CaresThread()

    enum Command: Sendable {
        case begin(NameQuestion)
        case cancel(LookupKey)
    }

    private struct State: Sendable {
        var commands: [Command] = []
        /// The end of the pipe that wakes the thread; nil before it has begun.
        var bell: CInt?
        var hasRung = false
    }

    private let state = Mutex(State())
    private let pool = NIOThreadPool(numberOfThreads: 1)

    /// Hands something to the thread. False when it can't be begun, for want of descriptors.
    func submit(_ command: Command) -> Bool {
        state.withLock { state in
            guard let bell = state.bell ?? begin() else { return false }
            state.bell = bell
            state.commands.append(command)
            guard !state.hasRung else { return true }
            state.hasRung = true
            var byte: UInt8 = 1
            _ = write(bell, &byte, 1)
            return true
        }
    }

    /// What is to be done, from now on told by the pipe again.
    func takeCommands() -> [Command] {
        state.withLock { state in
            state.hasRung = false
            defer { state.commands = [] }
            return state.commands
        }
    }

    private func begin() -> CInt? {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        }
        let reading = ends[0]
        pool.start()
        pool.submit { _ in CaresLoop(thread: self, bell: reading).run() }
        return ends[1]
    }
}
