import Addresses
import NIOCore
import NIOPosix
import Pipeline
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Prepares new connections, each on its own loop, and stops accepting at the limit. What comes then waits in the kernel's queue.
///
/// The bootstrap would prepare them by futures, and for a connection of another loop go there and back before the channel sends it there
/// once more, to be registered. Here both are sent at once, one behind the other.
final class NewConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    private let preparation: NewConnectionPreparation
    private let end = NewConnectionEnd()

    init(_ preparation: NewConnectionPreparation) {
        self.preparation = preparation
    }

    func channelActive(context: ChannelHandlerContext) {
        // By now the bootstrap's own handler is there, and this one comes behind it.
        try? context.pipeline.syncOperations.addHandler(end)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let connection = unwrapInboundIn(data)
        let (place, mayAccept) = preparation.enter(connection)
        if !mayAccept {
            try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        }
        let loop = connection.eventLoop
        if let common = preparation.commonLoop?.loop, common !== loop {
            return loop.execute { [preparation] in preparation.move(connection, place, to: common) }
        }
        if loop.inEventLoop {
            preparation.prepare(connection, place)
        } else {
            loop.execute { [preparation] in preparation.prepare(connection, place) }
        }
        if let last = end.context { last.fireChannelRead(data) } else { context.fireChannelRead(data) }
    }

    /// A connection may be lost, the listener is not.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if FileDescriptors.areExhausted(error) { preparation.descriptors.ranShort() }
    }
}

@available(*, unavailable)
extension NewConnectionHandler: Sendable {}

/// What is done with a new connection on its own loop, before it is registered there.
struct NewConnectionPreparation: Sendable {
    let places: ConnectionPlaces
    let descriptors: DescriptorWatch
    /// Whether connections are strangers' at first.
    let knowsStrangers: Bool
    let acceptors: [ObjectIdentifier: NIOLoopBound<Acceptor>]
    /// Where all connections go, while there is such a loop; nil for a listener that has no part in that.
    let commonLoop: CommonLoop?

    func enter(_ connection: any Channel) -> (place: ListenerPlace, mayAccept: Bool) {
        places.enter(from: knowsStrangers ? ClientNetwork(connection.remoteAddress) : nil)
    }

    /// Has a connection that nothing was done with served by another loop. The library has chosen one before anybody can say which, and
    /// doesn't let go of a socket: its copy is the same connection.
    func move(_ connection: any Channel, _ place: ListenerPlace, to loop: any EventLoop) {
        let descriptor = try? connection.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) {
            fcntl($0, F_DUPFD_CLOEXEC, 0)
        }
        connection.close(promise: nil)
        guard let descriptor, descriptor >= 0 else {
            places.leave(place)
            return descriptors.ranShort()
        }
        let wasPrepared = NIOLoopBoundBox.makeBoxSendingValue(false, as: Bool.self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    wasPrepared.value = true
                    prepare(channel, place)
                }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { _ in if !wasPrepared.value { places.leave(place) } }
    }

    func prepare(_ connection: any Channel, _ place: ListenerPlace) {
        do {
            guard let acceptor = acceptors[ObjectIdentifier(connection.eventLoop)] else {
                places.leave(place)
                throw ChannelError.operationUnsupported
            }
            try acceptor.value.accept(connection, place)
            let descriptor = try connection.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { Int($0) }
            if let descriptor { descriptors.took(descriptor) }
        } catch {
            connection.close(promise: nil)
        }
    }
}

/// Stands at the end of a listening socket's handlers: a connection that is read from here goes to the channel itself, which registers it.
private final class NewConnectionEnd: ChannelInboundHandler {
    typealias InboundIn = any Channel
    private(set) var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
}

@available(*, unavailable)
extension NewConnectionEnd: Sendable {}
