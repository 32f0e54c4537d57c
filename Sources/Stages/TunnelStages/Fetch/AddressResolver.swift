import Addresses
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Finds a host's addresses: those that it is written as, names by the system's resolver on threads of their own.
enum AddressResolver {
    struct NotFound: Error {
        var reason: String
    }

    /// The address that a host is written as, or nil for a name.
    static func literal(_ host: String, port: Int) -> SocketAddress? {
        // Which link a zone names only the resolver knows.
        guard !host.utf8.contains(UInt8(ascii: "%")) else { return nil }
        guard let address = IPAddress(host: host) else { return nil }
        // Mostly it is written in the usual form, which the library makes a socket's address of with fewer allocations.
        if address.family == .v4, IPAddress(host) == address, !host.utf8.contains(UInt8(ascii: ":")) {
            return try? SocketAddress(ipAddress: host, port: port)
        }
        return SocketAddress(address, port: port)
    }

    static func resolve(_ host: String, port: Int, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try lookUp(host, port) }
    }

    private static func lookUp(_ host: String, _ port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family = AF_UNSPEC
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &list)
        guard status == 0, let list else { throw NotFound(reason: String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        for entry in sequence(first: list, next: { $0.pointee.ai_next }) {
            guard let raw = entry.pointee.ai_addr else { continue }
            switch entry.pointee.ai_family {
            case AF_INET:
                raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    addresses.append(SocketAddress($0.pointee, host: host))
                }
            case AF_INET6:
                raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    addresses.append(SocketAddress($0.pointee, host: host))
                }
            default:
                break
            }
        }
        return addresses
    }
}

/// Addresses that are known already, for the library's Happy Eyeballs (RFC 8305), which asks a resolver.
struct KnownAddresses: Resolver, Sendable {
    let addresses: [SocketAddress]
    let loop: any EventLoop

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(addresses.filter { $0.protocol == .inet })
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(addresses.filter { $0.protocol == .inet6 })
    }

    func cancelQueries() {}
}
