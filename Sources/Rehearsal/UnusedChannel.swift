package import NIOCore
import NIOPosix

/// A channel that exists only because a client has one: half of a pair of sockets that nothing is sent over.
package struct UnusedChannel: Sendable {
    /// The half that NIO has.
    package let channel: any Channel
    private let other: CInt

    /// Opens a pair of sockets, and a channel for one of them. Throws an `IOError` where there are no descriptors.
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

    /// Closes the channel, then the other half.
    package func close() async {
        try? await channel.close()
        SocketPair.close(other)
    }
}
