import Addresses
import Filters
import HTTPMessages
import Instruments
import NIOCore
import NIOPosix
import NIOSSL
import Names
import Pipeline
import Platform

/// From a host's name to a connection that serves an exchange.
extension FetchPort {
    func connect(_ exchange: Exchange, _ origin: Origin, isTunnel: Bool) {
        let deadline = NIODeadline.now() + TimeAmount(configuration.connectTimeout)
        find(UpstreamAttempt(exchange: exchange, origin: origin, isTunnel: isTunnel, deadline: deadline))
    }

    func find(_ attempt: UpstreamAttempt) {
        let (exchange, origin) = (attempt.exchange, attempt.origin)
        guard !exchange.hasEnded else { return abandoned(attempt) }
        exchange.trace?.end(.connection)
        if let address = AddressResolver.literal(origin.host, port: origin.port) {
            if let refusal = refusal(of: address, exchange, origin) { return refused(attempt, refusal, address, exchange, origin) }
            return dial(attempt, [address])
        }
        let began = NIODeadline.now()
        let reply = resolver.find(
            origin.host, for: ExchangeParty(exchange).nameClient, on: shard.loop, until: attempt.deadline,
            acceptsStale: !attempt.wasMisled
        ) { outcome in
            self.meter.namesWaiting.value -= 1
            exchange.whenAbandoned = nil
            switch outcome {
            case .success(let answer):
                exchange.trace?.end(.resolve)
                self.found(answer, attempt)
            case .failure(let failure):
                exchange.trace?.end(.resolve, "the name could not be resolved: \(failure.name)")
                self.notFound(failure, attempt, after: .now() - began)
            }
        }
        switch reply {
        case .known(let answer):
            meter.namesKnown.add()
            found(answer, attempt)
        case .failed(let failure):
            meter.namesKnown.add()
            notFound(failure, attempt, after: nil)
        case .waiting(let wait):
            exchange.trace?.begin(.resolve)
            meter.namesAsked.add()
            meter.namesWaiting.value += 1
            exchange.whenAbandoned = {
                wait.cancel()
                self.meter.namesWaiting.value -= 1
                self.abandoned(attempt)
            }
        }
    }

    private func found(_ answer: NameAnswer, _ attempt: UpstreamAttempt) {
        let (exchange, origin) = (attempt.exchange, attempt.origin)
        let addresses = resolver.ordered(answer.addresses, for: origin.place).compactMap { SocketAddress($0, port: origin.port) }
        let open = addresses.filter { self.refusal(of: $0, exchange, origin) == nil }
        if open.isEmpty, let refusal = refusal(of: addresses, exchange, origin) {
            return refused(attempt, refusal, addresses.first, exchange, origin)
        }
        dial(attempt, open, isStale: answer.isStale)
    }

    /// - Parameter time: How long was waited; nil where that was known before.
    private func notFound(_ failure: NameFailure, _ attempt: UpstreamAttempt, after time: TimeAmount?) {
        if failure == .noDescriptor { return descriptorQueue.wait(attempt) }
        meter.failed(failure)
        failed(attempt, UpstreamFailure.resolving(attempt.origin, failure, after: time))
    }

    // MARK: - What may be dialled

    private func isAllowed(_ address: SocketAddress) -> Bool {
        configuration.destinations.allow(address) && !shard.telemetry.reserved.contains(address)
    }

    private func refusal(of address: SocketAddress, _ exchange: Exchange, _ origin: Origin) -> Failure? {
        guard isAllowed(address) else { return FetchStage.refusal(for: origin.host) }
        return exchange.addressChecks.isEmpty ? nil : exchange.refusal(of: address)
    }

    /// Why none of the addresses may be dialled: what stages say of one that this stage would dial comes first.
    private func refusal(of addresses: [SocketAddress], _ exchange: Exchange, _ origin: Origin) -> Failure? {
        if let first = addresses.first(where: isAllowed) { return exchange.refusal(of: first) }
        return FetchStage.refusal(for: origin.host)
    }

    /// No address of the host may be dialled. What rules of other stages say they record themselves.
    private func refused(
        _ attempt: UpstreamAttempt, _ refusal: Failure, _ address: SocketAddress?, _ exchange: Exchange, _ origin: Origin
    ) {
        if let audit = shard.telemetry.audit, refusal == FetchStage.refusal(for: origin.host) {
            audit.record(
                .destinationRefused,
                [
                    .exchange: exchange.id.description, .client: exchange.clientName, .target: exchange.request.authority,
                    .address: address?.ipAddress ?? "",
                ])
        }
        failed(attempt, refusal)
    }

    // MARK: - Dialling

    /// - Parameter isStale: Whether the addresses are ones that were known before, and looked up anew meanwhile.
    private func dial(_ attempt: UpstreamAttempt, _ addresses: [SocketAddress], isStale: Bool = false) {
        guard !attempt.exchange.hasEnded else { return abandoned(attempt) }
        if attempt.descriptorDeadline == nil { meter.dials.add() }
        let time = max(attempt.deadline - .now(), .milliseconds(1))
        attempt.exchange.trace?.begin(.dial)
        let pending = PendingDial()
        attempt.exchange.whenAbandoned = {
            // A connection of a pool is of use to whoever waits for one.
            if attempt.isTunnel || !self.isAwaited(attempt.origin) { pending.cancel() }
        }
        connect(pending, to: addresses, of: attempt.origin, within: time).assumeIsolated().whenComplete { result in
            attempt.exchange.whenAbandoned = nil
            pending.ended()
            if let trace = attempt.exchange.trace { Self.endDial(trace, result, attempt.origin) }
            switch result {
            case .success(let channel):
                self.note(channel.remoteAddress, of: addresses, attempt.origin)
                self.connected(channel, attempt)
            case .failure where attempt.exchange.hasEnded: self.abandoned(attempt)
            case .failure(let error) where UpstreamFailure.isForWantOfDescriptors(error): self.descriptorQueue.wait(attempt)
            case .failure where isStale && !attempt.wasMisled:
                // The host may have moved.
                var attempt = attempt
                attempt.wasMisled = true
                self.find(attempt)
            case .failure(let error):
                if IPAddress(host: attempt.origin.host) == nil { self.resolver.failed(for: attempt.origin.place) }
                self.failed(attempt, UpstreamFailure.connecting(to: attempt.origin, error))
            }
        }
    }

    private static func endDial(_ trace: ExchangeTrace, _ result: Result<any Channel, any Error>, _ origin: Origin) {
        switch result {
        case .success: trace.end(.dial)
        case .failure(let error): trace.end(.dial, UpstreamFailure.connecting(to: origin, error).message)
        }
    }

    private func connect(
        _ pending: PendingDial, to addresses: [SocketAddress], of origin: Origin, within time: TimeAmount
    ) -> EventLoopFuture<any Channel> {
        if addresses.count == 1 {
            return dialBeingMade.making(pending) { bootstrap.connectTimeout(time).connect(to: addresses[0]) }
        }
        // Happy Eyeballs opens several, the later ones in time to come, of which one is taken.
        let bound = NIOLoopBound(pending, eventLoop: shard.loop)
        return ClientBootstrap(group: shard.loop).connectTimeout(time)
            .channelInitializer { channel in
                bound.value.add(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .resolver(KnownAddresses(addresses: addresses, loop: shard.loop))
            .connect(host: origin.host, port: origin.port)
    }

    /// Which of a name's addresses took the connection is of use to those who come later.
    private func note(_ address: SocketAddress?, of addresses: [SocketAddress], _ origin: Origin) {
        guard addresses.count > 1, let first = addresses.first.flatMap({ IPAddress($0) }) else { return }
        guard let address = address.flatMap({ IPAddress($0) }) else { return }
        resolver.connected(address, dialledFirst: first, for: origin.place)
    }

    /// A connection is there, and nothing was read from it yet: that takes another turn of the loop.
    private func connected(_ channel: any Channel, _ attempt: UpstreamAttempt) {
        let origin = attempt.origin
        let handler = UpstreamHandler(port: self, origin: origin, isPooled: !attempt.isTunnel)
        do {
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            try BulkReading.prepare(channel, shard.readBuffers)
            if channel.remoteAddress?.isLoopback == true { NearbyConnection.tune(new: channel) }
            let pipeline = channel.pipeline.syncOperations
            if origin.isSecure { try pipeline.addHandler(secure(origin)) }
            try pipeline.addHandler(handler)
        } catch {
            channel.close(promise: nil)
            return failed(attempt, UpstreamFailure.connecting(to: origin, error))
        }
        handler.connected()
        if origin.isSecure { attempt.exchange.trace?.begin(.handshake) }
        if attempt.exchange.hasEnded { return handler.finishUnused() }
        handler.begin(attempt.exchange, isReused: false)
    }

    private func secure(_ origin: Origin) throws -> NIOSSLClientHandler {
        // An address is no server name; the library then wants it among the certificate's addresses.
        let isAddress = AddressResolver.literal(origin.host, port: 0) != nil
        return try NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : origin.host)
    }

    func failed(_ attempt: UpstreamAttempt, _ failure: Failure) {
        abandoned(attempt)
        meter.failed(failure)
        attempt.exchange.abortResponse(failure)
        attempt.exchange.flushResponse()
    }

    /// Nobody needs the place that an attempt has in its origin's pool.
    func abandoned(_ attempt: UpstreamAttempt) {
        if !attempt.isTunnel { closed(nil, attempt.origin) }
    }
}

extension ExchangeParty {
    /// Whose share of the look-ups one for it is.
    fileprivate var nameClient: NameClient { NameClient(program: programNumber, client: hashValue) }
}
