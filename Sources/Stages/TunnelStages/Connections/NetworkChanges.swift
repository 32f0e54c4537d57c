import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What the kernel tells of the machine's addresses, routes and interfaces: that something has changed, and nothing more.
enum NetworkChanges {
    /// After the kernel had more to tell than could wait, it is listened to anew.
    private static let pause = TimeAmount.seconds(1)

    /// How often it is looked at whether anybody still wants to be told.
    private static let look = TimeAmount.seconds(10)

    /// Calls `body` on `loop` after each change as long as that is wanted. Never where the kernel doesn't tell it.
    static func watch(
        on loop: any EventLoop, isWanted: @escaping @Sendable () -> Bool, _ body: @escaping @Sendable () -> Void
    ) {
        #if os(Linux)
        guard let bootstrap = NIOPipeBootstrap(validatingGroup: loop), let descriptor = open() else { return }
        bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Listener(isWanted: isWanted, body))
            }
        }
        .takingOwnershipOfDescriptor(input: descriptor).whenFailure { _ in _ = close(descriptor) }
        #endif
    }

    #if os(Linux)
    /// A socket of the kernel's routing messages (netlink(7), rtnetlink(7)).
    private static func open() -> CInt? {
        #if canImport(Glibc)
        let kind = CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        #else
        let kind = CInt(SOCK_RAW) | CInt(SOCK_CLOEXEC)
        #endif
        let descriptor = socket(CInt(AF_NETLINK), kind, 0)
        guard descriptor >= 0 else { return nil }
        // struct sockaddr_nl: family and padding, the port that the kernel is to choose, and groups: links, addresses and routes of both
        // families.
        var address: (UInt16, UInt16, UInt32, UInt32) = (UInt16(AF_NETLINK), 0, 0, 0x1 | 0x10 | 0x40 | 0x100 | 0x400)
        let isBound = withUnsafeBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { bind(descriptor, $0.baseAddress, socklen_t(bytes.count)) == 0 }
        }
        guard isBound else {
            _ = close(descriptor)
            return nil
        }
        return descriptor
    }

    private final class Listener: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let isWanted: @Sendable () -> Bool
        private let body: @Sendable () -> Void

        init(isWanted: @escaping @Sendable () -> Bool, _ body: @escaping @Sendable () -> Void) {
            self.isWanted = isWanted
            self.body = body
        }

        func handlerAdded(context: ChannelHandlerContext) {
            let (channel, isWanted) = (context.channel, isWanted)
            context.eventLoop.scheduleRepeatedTask(initialDelay: NetworkChanges.look, delay: NetworkChanges.look) { task in
                if channel.isActive, isWanted() { return }
                task.cancel()
                channel.close(promise: nil)
            }
        }

        func channelReadComplete(context: ChannelHandlerContext) { body() }

        /// Some of what the kernel had to tell is lost.
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        func channelInactive(context: ChannelHandlerContext) {
            guard isWanted() else { return }
            body()
            let (loop, isWanted, body) = (context.eventLoop, isWanted, body)
            loop.scheduleTask(in: NetworkChanges.pause) { NetworkChanges.watch(on: loop, isWanted: isWanted, body) }
        }
    }
    #endif
}
