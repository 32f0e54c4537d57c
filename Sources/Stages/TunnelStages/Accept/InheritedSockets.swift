import Addresses
package import ConfigurationLanguage
import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Sockets that listen already, which the service manager has opened and given to this process (sd_listen_fds(3)). An `accept` that is to
/// listen at the address of one of them takes it; so a service starts with the first connection, and no connection is refused while it
/// starts anew. They are never closed here, for the next configuration may want them again.
package struct InheritedSockets: Sendable {
    private struct Socket {
        let descriptor: CInt
        let address: SocketAddress
    }

    /// Those of this process.
    package static let process = InheritedSockets(
        environment: ProcessInfo.processInfo.environment, process: getpid())

    /// The first descriptor that is given, and the most that are looked at.
    private static let first: CInt = 3
    private static let limit = 1_024

    private let sockets: [Socket]
    /// What was given and is no socket that listens, a sentence each.
    package let problems: [String]

    /// - Parameters:
    ///   - environment: Has LISTEN_FDS, how many there are, and LISTEN_PID, whose they are.
    ///   - process: This process's number.
    init(environment: [String: String], process: pid_t) {
        guard environment["LISTEN_PID"] == "\(process)", let count = environment["LISTEN_FDS"].flatMap({ Int($0) }),
            (1...Self.limit).contains(count)
        else {
            (sockets, problems) = ([], [])
            return
        }
        var (sockets, problems): ([Socket], [String]) = ([], [])
        for descriptor in Self.first..<Self.first + CInt(count) {
            // What is started from here has no use for it.
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            if Self.listens(descriptor), let address = Self.address(descriptor) {
                sockets.append(Socket(descriptor: descriptor, address: address))
            } else {
                problems.append("descriptor \(descriptor), which the service manager gave, is no stream socket that listens")
            }
        }
        (self.sockets, self.problems) = (sockets, problems)
    }

    /// A descriptor of its own for the socket that listens at an address; nil where there is none. For all addresses of a machine, one of
    /// the other family will do: a service manager opens one that takes both.
    func descriptor(for wanted: SocketAddress) -> CInt? {
        let found = sockets.first { $0.address == wanted } ?? sockets.first { Self.isEverywhere($0.address, wanted) }
        guard let found else { return nil }
        let descriptor = fcntl(found.descriptor, F_DUPFD_CLOEXEC, 0)
        return descriptor >= 0 ? descriptor : nil
    }

    /// The addresses of sockets that none of these listens at.
    package func unused(by listened: [ListenAddress]) -> [String] {
        // Names aren't looked up for nothing.
        guard !sockets.isEmpty else { return [] }
        let wanted = listened.compactMap { try? ListeningSocket.address($0) }
        return sockets.map(\.address).filter { address in
            !wanted.contains { $0 == address || Self.isEverywhere(address, $0) }
        }.map { $0.pathname ?? $0.shortDescription }
    }

    private static func isEverywhere(_ one: SocketAddress, _ other: SocketAddress) -> Bool {
        let all = ["0.0.0.0", "::"]
        guard let port = one.port, port == other.port, let here = one.ipAddress, let there = other.ipAddress else { return false }
        return all.contains(here) && all.contains(there)
    }

    private static func listens(_ descriptor: CInt) -> Bool {
        var (listens, length): (CInt, socklen_t) = (0, socklen_t(MemoryLayout<CInt>.size))
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens != 0
    }

    private static func address(_ descriptor: CInt) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isKnown = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) == 0 }
        }
        guard isKnown else { return nil }
        return withUnsafePointer(to: &storage) { pointer in
            switch Int32(pointer.pointee.ss_family) {
            case AF_INET: pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress($0.pointee) }
            case AF_INET6: pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee) }
            case AF_UNIX: pointer.withMemoryRebound(to: sockaddr_un.self, capacity: 1) { SocketAddress($0.pointee) }
            default: nil
            }
        }
    }
}
