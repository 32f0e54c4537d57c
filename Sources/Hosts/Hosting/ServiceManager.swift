import NIOCore
import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Tells the service manager how this process is (sd_notify(3)), where one has asked for it: a datagram of lines to the socket that
/// NOTIFY_SOCKET names.
struct ServiceManager: Sendable {
    /// What it is told.
    enum News: Equatable {
        case ready
        case reloading
        /// A reload is over: it works, with what was there before if a sentence says why.
        case reloaded(String?)
        case stopping(String)
        case alive

        /// - Parameter now: Microseconds of the monotonic clock.
        func lines(now: UInt64) -> String {
            switch self {
            case .ready: "READY=1\nSTATUS=running"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(now)\nSTATUS=reading the configuration"
            case .reloaded(nil): "READY=1\nSTATUS=running"
            case .reloaded(let problem?):
                "READY=1\nSTATUS=running with the configuration before: \(ForeignText.line(problem, limit: 300))"
            case .stopping(let reason): "STOPPING=1\nSTATUS=finishing what is open (\(reason))"
            case .alive: "WATCHDOG=1"
            }
        }
    }

    /// The socket's path; where it begins with `@`, a name in the abstract namespace.
    private let path: String?
    /// How often it wants to hear that the process lives; nil where it doesn't.
    let watchdog: Duration?

    init(environment: [String: String] = ProcessInfo.processInfo.environment, process: pid_t = getpid()) {
        path = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        // It may be another's.
        let isOurs = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        let interval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }
        watchdog = isOurs && path != nil ? interval.flatMap { $0 > 0 ? .microseconds($0) : nil } : nil
    }

    /// Tells it, and doesn't care whether it listens.
    func tell(_ news: News) {
        guard let path else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        #if canImport(Darwin)
        let descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
        #else
        let descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        #endif
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // A manager that doesn't read holds nobody up.
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let text = Array(news.lines(now: UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1_000).utf8)
        // The name's length counts, for one in the abstract namespace ends with it.
        let beginning = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        let length = socklen_t(beginning + name.count + (name[0] == 0 ? 0 : 1))
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = sendto(descriptor, text, text.count, 0, $0, length)
            }
        }
    }

    /// Says that the process lives, twice in each of the manager's intervals, as long as every event loop turns. One that stands still is so
    /// noticed, and the manager starts the service anew.
    func watch(_ group: any EventLoopGroup) async {
        guard let watchdog else { return }
        while !Task.isCancelled {
            for loop in group.makeIterator() { try? await loop.submit {}.get() }
            guard !Task.isCancelled else { return }
            tell(.alive)
            try? await Task.sleep(for: watchdog / 2)
        }
    }
}
