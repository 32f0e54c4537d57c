import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A channel that exists only because a client has one: half of a pair of sockets that nothing is sent over.
struct UnusedChannel: Sendable {
    let channel: any Channel
    private let other: CInt

    static func open(on loop: any EventLoop) async throws -> UnusedChannel {
        var pair: [CInt] = [-1, -1]
        #if canImport(Glibc)
        let kind = CInt(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        guard socketpair(AF_UNIX, kind, 0, &pair) == 0 else { throw IOError(errnoCode: errno, reason: "socketpair") }
        do {
            let channel = try await ClientBootstrap(group: loop).withConnectedSocket(pair[0]).get()
            return UnusedChannel(channel: channel, other: pair[1])
        } catch {
            _ = Self.close(pair[1])
            throw error
        }
    }

    func close() async {
        try? await channel.close()
        _ = Self.close(other)
    }

    private static func close(_ descriptor: CInt) -> CInt {
        #if canImport(Glibc)
        Glibc.close(descriptor)
        #elseif canImport(Musl)
        Musl.close(descriptor)
        #else
        Darwin.close(descriptor)
        #endif
    }
}
