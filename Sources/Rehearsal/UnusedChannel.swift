package import NIOCore
import NIOPosix

/// A channel that exists only because a client has one: half of a pair of sockets that nothing is sent over.
package struct UnusedChannel: Sendable {
    package let channel: any Channel
    private let other: CInt

    package static func open(on loop: any EventLoop) async throws -> UnusedChannel {
        let (ours, theirs) = try SocketPair.make()
        do {
            let channel = try await ClientBootstrap(group: loop).withConnectedSocket(ours).get()
            return UnusedChannel(channel: channel, other: theirs)
        } catch {
            SocketPair.close(theirs)
            throw error
        }
    }

    package func close() async {
        try? await channel.close()
        SocketPair.close(other)
    }
}
