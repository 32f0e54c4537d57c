import Addresses
import ConfigurationLanguage
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Synchronization

/// The listening socket, shared by the loops.
final class Listener: Sendable {
    let configuration: AcceptConfiguration
    private let logger: Logger
    private let acceptors = Mutex<[NIOLoopBound<Acceptor>]>([])
    private let group = Mutex<(any EventLoopGroup)?>(nil)
    private let server = Mutex<(any Channel)?>(nil)
    let places: ConnectionPlaces
    private let descriptors = Mutex<DescriptorWatch?>(nil)
    private let knowsStrangers = Atomic<Bool>(true)
    private let isReserved: Bool
    /// The admin listener's socket is nobody else's: what wants its address is to be told that it is taken.
    private let own = ListeningSockets()
    private let telemetry = Mutex<Telemetry?>(nil)

    init(configuration: AcceptConfiguration, logger: Logger, isReserved: Bool) {
        self.configuration = configuration
        self.isReserved = isReserved
        self.logger = logger
        places = ConnectionPlaces(
            limit: configuration.maxConnections, strangerLimit: configuration.strangerLimit, logger: logger)
    }

    func add(_ acceptor: Acceptor) {
        let bound = NIOLoopBound(acceptor, eventLoop: acceptor.shard.loop)
        acceptors.withLock { $0.append(bound) }
        if !acceptor.knowsStrangers { knowsStrangers.store(false, ordering: .relaxed) }
        group.withLock { $0 = acceptor.shard.group }
        telemetry.withLock { $0 = acceptor.shard.telemetry }
    }

    var status: StageStatus {
        let channel = server.withLock { $0 }
        guard let channel else { return StageStatus(problem: "it doesn't listen on \(configuration.listen)") }
        let address = channel.localAddress.map { $0.ipAddress == nil ? "\(configuration.listen)" : $0.shortDescription }
        return StageStatus(details: [
            "address": address ?? "\(configuration.listen)", "connections": "\(places.count)",
        ])
    }

    private func sockets(_ telemetry: Telemetry) -> ListeningSockets { isReserved ? own : telemetry.sockets }

    /// Takes the port. Connections wait in the kernel's queue until `start`.
    func bind() async throws {
        let acceptors = acceptors.withLock { $0 }
        guard let group = group.withLock({ $0 }) else { return }
        guard let telemetry = telemetry.withLock({ $0 }) else { return }
        let watch = DescriptorWatch(telemetry.descriptors, places: places, listen: configuration.listen, logger: logger)
        descriptors.withLock { $0 = watch }
        let preparation = NewConnectionPreparation(
            places: places, descriptors: watch, knowsStrangers: knowsStrangers.load(ordering: .relaxed),
            acceptors: Dictionary(uniqueKeysWithValues: acceptors.map { (ObjectIdentifier($0.eventLoop), $0) }),
            commonLoop: isReserved ? nil : telemetry.commonLoop)
        let listen = configuration.listen
        let descriptor = try sockets(telemetry).use(listen) { () throws(StageError) in try ListeningSocket.open(listen) }
        let bootstrap = ServerBootstrap(group: group)
            // One at a time, so that the limit is exact.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // The library has just called listen(2) by itself, with a queue of 128: its option for that counts for sockets
                    // that it binds.
                    try ListeningSocket.listen(descriptor, at: listen)
                    try channel.pipeline.syncOperations.addHandler(NewConnectionHandler(preparation))
                }.flatMap { self.chooseCongestionControl(channel) }
            }
        let channel: any Channel
        do {
            // The library sets TCP_NODELAY on the listening socket, and those that are accepted inherit it.
            channel = try await bootstrap.withBoundSocket(descriptor).get()
        } catch {
            release(telemetry)
            throw StageError(.unavailable, "can't listen on \(listen): \(ConnectionFailure.words(for: error))", key: "listen")
        }
        server.withLock { $0 = channel }
        places.serve(channel)
        if isReserved, let address = channel.localAddress { telemetry.reserved.add(address) }
    }

    /// For all that are accepted: they have it from the listening socket.
    func chooseCongestionControl(_ channel: any Channel) -> EventLoopFuture<Void> {
        if let chosen = configuration.congestionControl { return chosen.apply(to: channel) }
        if channel.localAddress?.isLoopback == true { NearbyConnection.tune(channel) }
        return channel.eventLoop.makeSucceededVoidFuture()
    }

    /// Takes connections.
    func start() async throws {
        guard let channel = server.withLock({ $0 }), let telemetry = telemetry.withLock({ $0 }) else { return }
        await sockets(telemetry).takeOver(configuration.listen) { [weak self] in await self?.stopAccepting() }
        descriptors.withLock { $0 }?.begin(channel, maxConnections: configuration.maxConnections) { [weak self] in
            for acceptor in self?.acceptors.withLock({ $0 }) ?? [] { acceptor.eventLoop.execute { acceptor.value.relinquish() } }
        }
        try await channel.setOption(.autoRead, value: true).get()
        let address = channel.localAddress.map { $0.ipAddress == nil ? "\(configuration.listen)" : $0.shortDescription }
        logger.notice("listening", metadata: ["address": "\(address ?? "\(configuration.listen)")"])
    }

    // MARK: - Ending

    private func stopAccepting() async {
        places.serve(nil)
        try? await server.withLock { $0 }?.setOption(.autoRead, value: false).get()
    }

    func drain() async {
        await closeListener()
        // All are told before any is waited for.
        let drained = acceptors.withLock { $0 }.map { acceptor in
            acceptor.eventLoop.flatSubmit { acceptor.value.drain() }
        }
        for future in drained { try? await future.get() }
    }

    func stop() async {
        await closeListener()
        for acceptor in acceptors.withLock({ $0 }) {
            try? await acceptor.eventLoop.submit { acceptor.value.closeAll() }.get()
        }
    }

    private func closeListener() async {
        let channel = server.withLock { server in
            defer { server = nil }
            return server
        }
        places.serve(nil)
        // What was accepted a moment ago is still on its way to its acceptor, which has to know it to end it.
        try? await channel?.setOption(.autoRead, value: false).get()
        for acceptor in acceptors.withLock({ $0 }) { try? await acceptor.eventLoop.submit {}.get() }
        try? await channel?.eventLoop.submit {}.get()
        try? await channel?.close().get()
        descriptors.withLock { $0 }?.end()
        if channel != nil, let telemetry = telemetry.withLock({ $0 }) { release(telemetry) }
    }

    /// The socket goes with its last user, and so does a Unix socket's file.
    private func release(_ telemetry: Telemetry) {
        guard sockets(telemetry).release(configuration.listen), case .unix(let path) = configuration.listen,
            !ListeningSocket.isInherited(configuration.listen)
        else { return }
        UnixSocketFile.remove(path)
    }
}
