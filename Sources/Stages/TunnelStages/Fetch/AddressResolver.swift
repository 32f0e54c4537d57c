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

/// The addresses that hosts are written as, which nobody has to be asked for.
enum AddressResolver {
    /// The address that a host is written as, or nil for a name.
    static func literal(_ host: String, port: Int) -> SocketAddress? {
        guard !host.utf8.contains(UInt8(ascii: "%")) else { return zoned(host, port: port) }
        guard let address = IPAddress(host: host) else { return nil }
        // Mostly it is written in the usual form, which the library makes a socket's address of with fewer allocations.
        if address.family == .v4, IPAddress(host) == address, !host.utf8.contains(UInt8(ascii: ":")) {
            return try? SocketAddress(ipAddress: host, port: port)
        }
        return SocketAddress(address, port: port)
    }

    /// An address with a zone, `fe80::1%eth0`: which link that is the system knows. It asks no name server for that.
    private static func zoned(_ host: String, port: Int) -> SocketAddress? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family = AF_INET6
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let list else { return nil }
        defer { freeaddrinfo(list) }
        guard let raw = list.pointee.ai_addr, list.pointee.ai_family == AF_INET6 else { return nil }
        return raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee, host: host) }
    }
}

/// Addresses that are known already, for the library's Happy Eyeballs (RFC 8305), which asks a resolver. It dials them in their order: it
/// takes one of the first kind, one of the second and so on, whatever their family is.
struct KnownAddresses: Resolver, Sendable {
    let addresses: [SocketAddress]
    let loop: any EventLoop

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(every(second: 0))
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        loop.makeSucceededFuture(every(second: 1))
    }

    private func every(second first: Int) -> [SocketAddress] {
        stride(from: first, to: addresses.count, by: 2).map { addresses[$0] }
    }

    func cancelQueries() {}
}
