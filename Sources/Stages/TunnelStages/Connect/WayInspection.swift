package import ConfigurationLanguage
import Logging
package import NIOCore
import NIOPosix
package import Pipeline

/// The parts of dialling, one by one, for who wants to know where it comes to nothing.
package enum WayInspection {
    /// The addresses of a server or a proxy, as `connect` finds them, in the order in which they are dialled.
    package static func addresses(
        of place: HostPort, by configuration: ConnectConfiguration, on loop: any EventLoop
    ) async throws(StageError) -> [SocketAddress] {
        let promise = loop.makePromise(of: Result<[SocketAddress], StageError>.self)
        loop.execute {
            let finder = AddressFinder(configuration.resolver, on: loop)
            finder.find(place, until: .now() + TimeAmount(configuration.timeout)) { found in
                promise.succeed(found)
                // Held until then.
                _ = finder
            }
        }
        let found = try? await promise.futureResult.get()
        return try (found ?? .failure(StageError(.unavailable, "the program is ending"))).get()
    }

    /// The ways that a configuration has to a server; a script in it is asked.
    package static func routes(
        _ configuration: ConnectConfiguration, to server: HostPort, on loop: any EventLoop
    ) async throws(StageError) -> [Route] {
        guard !configuration.via.scripts.isEmpty else { return try configuration.routes(to: server, in: .process) }
        let promise = loop.makePromise(of: [ProxyScriptPlace: ProxyScripts.Outcome].self)
        loop.execute {
            ProxyScripts.process.find(configuration.via.scripts, for: server, on: loop) { promise.succeed($0) }
        }
        let answers = (try? await promise.futureResult.get()) ?? [:]
        return try configuration.routes(to: server, in: .process, scripts: answers)
    }
}

/// What the kernel knows of a TCP connection.
package struct ConnectionFacts: Sendable, Equatable {
    /// Smoothed.
    package var roundTrip: Duration
    /// How much round trips vary.
    package var variation: Duration
    /// What a packet may carry, as far as is known, in bytes.
    package var pathMTU: Int
    /// Packets that were sent again.
    package var resent: Int
    /// Packets that nobody has acknowledged.
    package var unacknowledged: Int

    /// On the channel's loop. Nil where the kernel doesn't say.
    package init?(of channel: any Channel) {
        guard let statistics = TCPStatistics(of: channel) else { return nil }
        roundTrip = .microseconds(Int64(statistics.roundTrip))
        variation = .microseconds(Int64(statistics.variation))
        pathMTU = Int(statistics.pathMTU)
        resent = Int(statistics.resent)
        unacknowledged = Int(statistics.unacknowledged)
    }
}

extension ConnectConfiguration {
    /// The same by one way alone.
    package func by(_ route: Route) -> ConnectConfiguration {
        var configuration = self
        switch route {
        case .direct: configuration.via = .direct
        case .proxy(let proxy): configuration.via = Via(steps: [.proxy(proxy)])
        case .nowhere: break
        }
        return configuration
    }
}

extension WayInspection {
    /// What a proxy says to somebody who shows nothing.
    package struct ProxySays: Sendable {
        /// It opens the way for everybody.
        package var opens = false
        /// The schemes that it offers, as it calls them.
        package var offers: [String] = []
        /// Why it doesn't open the way, or can't be asked; nil where it does.
        package var refusal: String?
    }

    /// Asks a proxy for a connection without showing who asks, so that nothing can be locked by it.
    package static func ask(
        _ proxy: ProxyAddress, for server: HostPort, at address: SocketAddress, by configuration: ConnectConfiguration,
        on group: any EventLoopGroup
    ) async -> ProxySays {
        let loop = group.next()
        let promise = loop.makePromise(of: ProxySays.self)
        let tools = ProxyTools(configuration)
        let deadline = NIODeadline.now() + TimeAmount(configuration.timeout)
        loop.execute {
            let shard = Shard(loop: loop, group: group, index: 0, logger: .init(label: "doctor") { _ in SwiftLogNoOpLogHandler() })
            var nobody = proxy
            nobody.credentials = nil
            let handler = ProxyConnectHandler(
                ProxyHandshake(proxy: nobody, server: server, access: ProxyAccess(schemes: [.basic])),
                tls: proxy.isSecure ? tools.tls : nil, tokens: nil, until: deadline, shard: shard)
            let bound = NIOLoopBound(handler, eventLoop: loop)
            ClientBootstrap(group: loop).connectTimeout(TimeAmount(configuration.timeout)).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if proxy.isSecure {
                        try channel.pipeline.syncOperations.addHandlers(tools.tls.handler(for: proxy), ProxyTLSBoundary())
                    }
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(to: address).assumeIsolated().whenComplete { result in
                switch result {
                case .failure(let error):
                    promise.succeed(
                        ProxySays(refusal: "the proxy \(proxy.text): \(ConnectionFailure.words(for: error))"))
                case .success(let channel):
                    handler.begin { end in
                        let offers = handler.handshake.offered.names
                        switch end {
                        case .open: promise.succeed(ProxySays(opens: true, offers: offers))
                        case .again:
                            promise.succeed(ProxySays(offers: offers, refusal: "the proxy \(proxy.text) closes each connection"))
                        case .failed(let error): promise.succeed(ProxySays(offers: offers, refusal: error.message))
                        }
                        channel.close(promise: nil)
                    }
                }
            }
        }
        return (try? await promise.futureResult.get()) ?? ProxySays(refusal: "the program is ending")
    }

    /// How long a connection to one address takes; an error in words where there is none.
    package static func connect(
        to address: SocketAddress, within time: Duration, on group: any EventLoopGroup
    ) async throws(StageError) -> Duration {
        let began = NIODeadline.now()
        do {
            let channel = try await ClientBootstrap(group: group).connectTimeout(TimeAmount(time)).connect(to: address).get()
            let took = Duration.nanoseconds((NIODeadline.now() - began).nanoseconds)
            try? await channel.close()
            return took
        } catch {
            throw StageError(.unavailable, ConnectionFailure.words(for: error))
        }
    }
}
