package import ConfigurationLanguage
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The listening sockets of a pipeline, kept for as long as one of its generations uses them: the next one goes on with the
/// same socket, and no connection that waits in the kernel's queue is lost between the two.
package final class ListeningSockets: Sendable {
    fileprivate struct Entry {
        var descriptor: CInt
        var users: Int
    }

    private let sockets = Mutex<[ListenAddress: Entry]>([:])
    /// How whoever accepts connections at an address stops.
    private let accepting = Mutex<[ListenAddress: @Sendable () async -> Void]>([:])

    /// No sockets yet.
    package init() {}

    /// A descriptor of its own for one more user of the socket at an address. `open` makes the socket if there is none, and
    /// is only then called.
    package func use<Problem: Error>(
        _ address: ListenAddress, open: () throws(Problem) -> CInt
    ) throws(Problem) -> CInt {
        if let shared = sockets.withLock({ $0.share(address) }) { return shared }
        let opened = try open()
        return sockets.withLock { sockets in
            sockets[address] = Entry(descriptor: opened, users: 0)
            return sockets.share(address) ?? opened
        }
    }

    /// A user begins to accept; the one before has stopped when this returns. Connections wait in the kernel's queue meanwhile: of
    /// two that accepted at once, one would be told of connections that the other has taken.
    package func takeOver(_ address: ListenAddress, stop: @escaping @Sendable () async -> Void) async {
        let before = accepting.withLock { $0.updateValue(stop, forKey: address) }
        await before?()
    }

    /// A user is done with the socket at an address. True if it was the last: the socket is closed.
    package func release(_ address: ListenAddress) -> Bool {
        sockets.withLock { sockets in
            guard var entry = sockets[address] else { return false }
            entry.users -= 1
            guard entry.users <= 0 else {
                sockets[address] = entry
                return false
            }
            sockets[address] = nil
            accepting.withLock { $0[address] = nil }
            close(entry.descriptor)
            return true
        }
    }
}

extension [ListenAddress: ListeningSockets.Entry] {
    fileprivate mutating func share(_ address: ListenAddress) -> CInt? {
        guard let entry = self[address] else { return nil }
        let descriptor = fcntl(entry.descriptor, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        self[address]?.users += 1
        return descriptor
    }
}
