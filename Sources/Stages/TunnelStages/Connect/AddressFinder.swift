import NIOCore
import Names
import Pipeline

/// Finds the addresses of a server, and of proxies on the way to it, for one loop's connection.
final class AddressFinder {
    private let resolver: NameResolver
    private let loop: any EventLoop
    private var wait: NameWait?

    init(_ servers: NameServers, on loop: any EventLoop) {
        resolver = .asking(servers.servers)
        self.loop = loop
    }

    /// The addresses of a place, in the order in which they are to be dialled. One look-up at a time.
    ///
    /// - Parameter then: Called on the loop, at once where they are known, and not if the search is cancelled.
    func find(_ place: HostPort, until deadline: NIODeadline, then: @escaping (Result<[SocketAddress], StageError>) -> Void) {
        if let address = AddressResolver.literal(place.host, port: place.port) { return then(.success([address])) }
        let began = NIODeadline.now()
        let reply = resolver.find(place.host, for: nil, on: loop, until: deadline) { outcome in
            self.wait = nil
            then(self.read(outcome, place, after: .nanoseconds((.now() - began).nanoseconds)))
        }
        switch reply {
        case .known(let answer): then(read(.success(answer), place, after: nil))
        // Later, as with everything else that fails.
        case .failed(let failure):
            loop.assumeIsolated().execute { then(self.read(.failure(failure), place, after: nil)) }
        case .waiting(let wait): self.wait = wait
        }
    }

    /// Nobody waits any more.
    func cancel() {
        wait?.cancel()
        wait = nil
    }

    private func read(
        _ outcome: NameResolver.Outcome, _ place: HostPort, after time: Duration?
    ) -> Result<[SocketAddress], StageError> {
        switch outcome {
        case .success(let answer):
            .success(resolver.ordered(answer.addresses, for: place).compactMap { SocketAddress($0, port: place.port) })
        case .failure(let failure):
            .failure(StageError(.unavailable, failure.sentence(about: place.host, after: time)))
        }
    }

    /// One of the addresses took the connection, which is of use with the next one.
    func connected(_ address: SocketAddress?, of addresses: [SocketAddress], at place: HostPort) {
        guard addresses.count > 1, let first = addresses.first.flatMap({ IPAddress($0) }) else { return }
        guard let address = address.flatMap({ IPAddress($0) }) else { return }
        resolver.connected(address, dialledFirst: first, for: place)
    }

    /// One of them took the connection, which was of no use.
    func wasOfNoUse(_ address: IPAddress, at place: HostPort) { resolver.wasOfNoUse(address, for: place) }

    /// None of them did.
    func failed(at place: HostPort) {
        if AddressResolver.literal(place.host, port: place.port) == nil { resolver.failed(for: place) }
    }
}

@available(*, unavailable)
extension AddressFinder: Sendable {}
