import NIOCore
import NIOPosix
import NIOSSL
import Pipeline

/// From a host's name to a connection that serves an exchange.
extension FetchPort {
    /// How long after connections were given up their descriptors are used.
    private static let relief = TimeAmount.milliseconds(20)
    /// How long an exchange waits for a descriptor before it is refused.
    private static let descriptorPatience = TimeAmount.seconds(1)

    func connect(_ exchange: Exchange, _ origin: Origin, isTunnel: Bool) {
        find(exchange, origin, isTunnel, until: .now() + TimeAmount(configuration.connectTimeout))
    }

    private func find(
        _ exchange: Exchange, _ origin: Origin, _ isTunnel: Bool, until deadline: NIODeadline, patience: NIODeadline? = nil
    ) {
        if let address = AddressResolver.literal(origin.host, port: origin.port) {
            if let refusal = refusal(of: address, exchange, origin) { return failed(exchange, origin, isTunnel, refusal) }
            return dial(exchange, origin, isTunnel, [address], until: deadline)
        }
        AddressResolver.resolve(origin.host, port: origin.port, on: shard.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let addresses):
                let open = addresses.filter { self.refusal(of: $0, exchange, origin) == nil }
                if open.isEmpty, let refusal = self.refusal(of: addresses, exchange, origin) {
                    return self.failed(exchange, origin, isTunnel, refusal)
                }
                self.dial(exchange, origin, isTunnel, open, until: deadline)
            case .failure(let error):
                // A resolver doesn't say that it had no descriptor for its question.
                if self.shard.telemetry.descriptors.areScarce, let patience = self.patience(patience, deadline) {
                    return self.afterRelief { self.find(exchange, origin, isTunnel, until: deadline, patience: patience) }
                }
                let reason = (error as? AddressResolver.NotFound)?.reason ?? "\(error)"
                self.failed(
                    exchange, origin, isTunnel,
                    Failure(.nameNotResolved, "the name '\(origin.host)' can't be resolved: \(reason)"))
            }
        }
    }

    // MARK: - What may be dialled

    private func isAllowed(_ address: SocketAddress) -> Bool {
        configuration.destinations.allow(address) && !shard.telemetry.reserved.contains(address)
    }

    private func refusal(of address: SocketAddress, _ exchange: Exchange, _ origin: Origin) -> Failure? {
        guard isAllowed(address) else {
            return Failure(.forbidden, "connections to the address of '\(origin.host)' are not allowed here")
        }
        return exchange.addressChecks.isEmpty ? nil : exchange.refusal(of: address)
    }

    /// Why none of the addresses may be dialled: what stages say of one that this stage would dial comes first.
    private func refusal(of addresses: [SocketAddress], _ exchange: Exchange, _ origin: Origin) -> Failure? {
        if let first = addresses.first(where: isAllowed) { return exchange.refusal(of: first) }
        return Failure(.forbidden, "connections to the address of '\(origin.host)' are not allowed here")
    }

    // MARK: - Dialling

    private func dial(
        _ exchange: Exchange, _ origin: Origin, _ isTunnel: Bool, _ addresses: [SocketAddress], until deadline: NIODeadline,
        patience: NIODeadline? = nil
    ) {
        guard !exchange.hasEnded else { return abandoned(origin, isTunnel) }
        meter.dials.add()
        let time = max(deadline - .now(), .milliseconds(1))
        let connected =
            addresses.count == 1
            ? bootstrap.connectTimeout(time).connect(to: addresses[0])
            // Happy Eyeballs opens several, of which one is taken.
            : ClientBootstrap(group: shard.loop).connectTimeout(time)
                .resolver(KnownAddresses(addresses: addresses, loop: shard.loop)).connect(host: origin.host, port: origin.port)
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(channel, exchange, origin, isTunnel)
            case .failure(let error):
                guard UpstreamFailure.isForWantOfDescriptors(error), let patience = self.patience(patience, deadline) else {
                    return self.failed(exchange, origin, isTunnel, UpstreamFailure.connecting(to: origin, error))
                }
                self.afterRelief {
                    self.dial(exchange, origin, isTunnel, addresses, until: deadline, patience: patience)
                }
            }
        }
    }

    /// Until when a descriptor is waited for; nil when it was waited for long enough.
    /// - Parameter begun: The same, from an earlier try.
    private func patience(_ begun: NIODeadline?, _ deadline: NIODeadline) -> NIODeadline? {
        let now = NIODeadline.now()
        let end = begun ?? min(deadline, now + Self.descriptorPatience)
        return now < end ? end : nil
    }

    /// Has connections closed that nobody uses, and goes on when their descriptors are free.
    private func afterRelief(_ body: @escaping () -> Void) {
        shard.telemetry.descriptors.relieve()
        shard.loop.assumeIsolated().scheduleTask(in: Self.relief, body)
    }

    /// A connection is there, and nothing was read from it yet: that takes another turn of the loop.
    private func connected(_ channel: any Channel, _ exchange: Exchange, _ origin: Origin, _ isTunnel: Bool) {
        let handler = UpstreamHandler(port: self, origin: origin, isPooled: !isTunnel)
        do {
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            try BulkReading.prepare(channel)
            if channel.remoteAddress?.isLoopback == true { NearbyConnection.tune(new: channel) }
            let pipeline = channel.pipeline.syncOperations
            if origin.isSecure { try pipeline.addHandler(secure(origin)) }
            try pipeline.addHandler(handler)
        } catch {
            channel.close(promise: nil)
            return failed(exchange, origin, isTunnel, UpstreamFailure.connecting(to: origin, error))
        }
        handler.connected()
        if exchange.hasEnded { return handler.finishUnused() }
        handler.begin(exchange, isReused: false)
    }

    private func secure(_ origin: Origin) throws -> NIOSSLClientHandler {
        // An address is no server name; the library then wants it among the certificate's addresses.
        let isAddress = AddressResolver.literal(origin.host, port: 0) != nil
        return try NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : origin.host)
    }

    private func failed(_ exchange: Exchange, _ origin: Origin, _ isTunnel: Bool, _ failure: Failure) {
        abandoned(origin, isTunnel)
        meter.failed(failure)
        exchange.abortResponse(failure)
        exchange.flushResponse()
    }

    private func abandoned(_ origin: Origin, _ isTunnel: Bool) {
        if !isTunnel { closed(nil, origin) }
    }
}
