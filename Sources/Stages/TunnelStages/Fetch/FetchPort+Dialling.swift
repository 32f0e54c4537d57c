import Addresses
import HTTPMessages
import Instruments
import NIOCore
import NIOPosix
import NIOSSL
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
        if let address = AddressResolver.literal(origin.host, port: origin.port) {
            if let refusal = refusal(of: address, exchange, origin) { return failed(attempt, refusal) }
            return dial(attempt, [address])
        }
        AddressResolver.resolve(origin.host, port: origin.port, on: shard.loop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let addresses):
                let open = addresses.filter { self.refusal(of: $0, exchange, origin) == nil }
                if open.isEmpty, let refusal = self.refusal(of: addresses, exchange, origin) {
                    return self.failed(attempt, refusal)
                }
                self.dial(attempt, open)
            case .failure(let error):
                // A resolver doesn't say that it had no descriptor for its question.
                if self.shard.telemetry.descriptors.areExhausted { return self.descriptorQueue.wait(attempt) }
                let reason = (error as? AddressResolver.NotFound)?.reason ?? "\(error)"
                self.failed(attempt, Failure(.nameNotResolved, "the name '\(origin.host)' can't be resolved: \(reason)"))
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

    private func dial(_ attempt: UpstreamAttempt, _ addresses: [SocketAddress]) {
        guard !attempt.exchange.hasEnded else { return abandoned(attempt) }
        if attempt.descriptorDeadline == nil { meter.dials.add() }
        let time = max(attempt.deadline - .now(), .milliseconds(1))
        let connected =
            addresses.count == 1
            ? bootstrap.connectTimeout(time).connect(to: addresses[0])
            // Happy Eyeballs opens several, of which one is taken.
            : ClientBootstrap(group: shard.loop).connectTimeout(time)
                .resolver(KnownAddresses(addresses: addresses, loop: shard.loop))
                .connect(host: attempt.origin.host, port: attempt.origin.port)
        connected.assumeIsolated().whenComplete { result in
            switch result {
            case .success(let channel): self.connected(channel, attempt)
            case .failure(let error) where UpstreamFailure.isForWantOfDescriptors(error): self.descriptorQueue.wait(attempt)
            case .failure(let error): self.failed(attempt, UpstreamFailure.connecting(to: attempt.origin, error))
            }
        }
    }

    /// A connection is there, and nothing was read from it yet: that takes another turn of the loop.
    private func connected(_ channel: any Channel, _ attempt: UpstreamAttempt) {
        let origin = attempt.origin
        let handler = UpstreamHandler(port: self, origin: origin, isPooled: !attempt.isTunnel)
        do {
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            try BulkReading.prepare(channel)
            if channel.remoteAddress?.isLoopback == true { NearbyConnection.tune(new: channel) }
            let pipeline = channel.pipeline.syncOperations
            if origin.isSecure { try pipeline.addHandler(secure(origin)) }
            try pipeline.addHandler(handler)
        } catch {
            channel.close(promise: nil)
            return failed(attempt, UpstreamFailure.connecting(to: origin, error))
        }
        handler.connected()
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

    private func abandoned(_ attempt: UpstreamAttempt) {
        if !attempt.isTunnel { closed(nil, attempt.origin) }
    }
}
