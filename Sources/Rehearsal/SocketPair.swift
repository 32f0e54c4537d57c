import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Two sockets that are connected to each other, without a network.
package enum SocketPair {
    /// Opens a pair of Unix stream sockets (socketpair(2)). Whoever gets the descriptors closes them. Throws an `IOError`.
    package static func make() throws -> (CInt, CInt) {
        var pair: [CInt] = [-1, -1]
        #if canImport(Glibc)
        let kind = CInt(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else { throw IOError(errnoCode: errno, reason: "socketpair") }
        return (pair[0], pair[1])
    }

    /// The other end reads an end from it, as from a peer that has nothing more to say.
    package static func finish(_ descriptor: CInt) {
        #if canImport(Glibc)
        _ = Glibc.shutdown(descriptor, CInt(SHUT_WR))
        #elseif canImport(Musl)
        _ = Musl.shutdown(descriptor, CInt(SHUT_WR))
        #else
        _ = Darwin.shutdown(descriptor, SHUT_WR)
        #endif
    }

    /// Closes a descriptor; errors are ignored.
    package static func close(_ descriptor: CInt) {
        #if canImport(Glibc)
        _ = Glibc.close(descriptor)
        #elseif canImport(Musl)
        _ = Musl.close(descriptor)
        #else
        _ = Darwin.close(descriptor)
        #endif
    }
}
