import ConfigurationLanguage
import NIOCore
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Opens sockets that listen.
enum ListeningSocket {
    /// Connections that the kernel keeps until they are accepted. It may allow fewer (`net.core.somaxconn` on Linux).
    static let backlog: CInt = 4_096

    /// A socket that listens at an address: one that the service manager has opened there, else a new one.
    static func open(_ listen: ListenAddress) throws(StageError) -> CInt {
        let address = try address(listen)
        if let inherited = InheritedSockets.process.descriptor(for: address) { return inherited }
        if case .unix(let path) = listen { try UnixSocketFile.prepare(path) }
        let descriptor = socket(CInt(address.protocol.rawValue), streamType, 0)
        guard descriptor >= 0 else { throw failure(listen, explain(errno)) }
        var one: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        do throws(StageError) {
            guard address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) == 0 }) else { throw failure(listen, explain(errno)) }
            try Self.listen(descriptor, at: listen)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Whether the service manager has opened the socket there: then its file, if it has one, is the manager's.
    static func isInherited(_ listen: ListenAddress) -> Bool {
        guard let address = try? address(listen), let descriptor = InheritedSockets.process.descriptor(for: address) else {
            return false
        }
        close(descriptor)
        return true
    }

    /// The address as the system has it, with a host that is a name looked up.
    static func address(_ listen: ListenAddress) throws(StageError) -> SocketAddress {
        do {
            switch listen {
            case .tcp(let host, let port): return try SocketAddress.makeAddressResolvingHost(host, port: port)
            case .unix(let path): return try SocketAddress(unixDomainSocketPath: path)
            }
        } catch {
            throw failure(listen, "the name can't be resolved")
        }
    }

    /// Whether a connection waits to be accepted.
    static func isAwaited(_ descriptor: CInt) -> Bool {
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&question, 1, 0) > 0
    }

    /// Has the kernel keep up to `backlog` connections that come to a socket. One that listens already goes on, with a queue of that
    /// length; the last call counts.
    static func listen(_ descriptor: CInt, at address: ListenAddress) throws(StageError) {
        guard call(descriptor) == 0 else { throw failure(address, explain(errno)) }
    }

    private static func failure(_ address: ListenAddress, _ reason: String) -> StageError {
        StageError(.unavailable, "can't listen on \(address): \(reason)", key: "listen")
    }

    private static func explain(_ code: CInt) -> String {
        switch code {
        case EADDRINUSE: "the address is in use by another program, or by another instance of this one"
        case EACCES: "no permission; ports below 1024 need it"
        case EADDRNOTAVAIL: "this machine has no such address"
        default: String(cString: strerror(code))
        }
    }

    private static func call(_ descriptor: CInt) -> CInt {
        #if canImport(Glibc)
        Glibc.listen(descriptor, backlog)
        #elseif canImport(Musl)
        Musl.listen(descriptor, backlog)
        #else
        Darwin.listen(descriptor, backlog)
        #endif
    }

    #if canImport(Glibc)
    private static let streamType = CInt(SOCK_STREAM.rawValue)
    #else
    private static let streamType = SOCK_STREAM
    #endif
}
