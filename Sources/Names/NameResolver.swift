package import NIOCore
package import Pipeline
import Synchronization

/// Finds the addresses of names, for all event loops of the process: remembers what name servers said, has equal names looked up once, and
/// knows which addresses were of use.
///
/// Touched when something is dialled. Nothing here waits.
package final class NameResolver: Sendable {
    /// How a look-up ended.
    package typealias Outcome = Result<NameAnswer, NameFailure>

    /// What is known at once of a name.
    package enum Reply {
        /// The addresses are known, perhaps as stale ones. `then` isn't called.
        case known(NameAnswer)
        /// The name is known to have no address, or too many look-ups wait. `then` isn't called.
        case failed(NameFailure)
        /// `then` will be called, unless the wait is cancelled.
        case waiting(NameWait)
    }

    private struct State: Sendable {
        var cache = NameCache()
        var lookups = SharedLookups<EventLoopPromise<Outcome>>()
        var order = AddressOrder()
    }

    private let servers: [NameServer]
    private let state = Mutex(State())
    private let thread: CaresThread

    init(servers: [NameServer] = [], thread: CaresThread = .shared) {
        self.servers = servers
        self.thread = thread
    }

    // MARK: - The process's

    private struct Other: Sendable { weak let resolver: NameResolver? }

    private static let system = NameResolver()
    private static let others = Mutex<[[NameServer]: Other]>([:])

    /// The resolver that asks these name servers, or the system's where there are none. What it knows is kept as long as anybody has it.
    package static func asking(_ servers: [NameServer]) -> NameResolver {
        guard !servers.isEmpty else { return system }
        return others.withLock { others in
            if let resolver = others[servers]?.resolver { return resolver }
            others = others.filter { $0.value.resolver != nil }
            let resolver = NameResolver(servers: servers)
            others[servers] = Other(resolver: resolver)
            return resolver
        }
    }

    // MARK: - Names

    /// The addresses of a name. Called on the loop, where `then` is called too.
    ///
    /// - Parameters:
    ///   - client: Who wants it: his share of all look-ups is limited. Nil for this program itself.
    ///   - name: Without regard to case. With a dot at its end it stands for itself alone, and no domain is searched for it.
    ///   - deadline: When `then` is called at the latest.
    ///   - acceptsStale: Whether addresses will do whose time is over.
    package func find(
        _ name: String, for client: NameClient?, on loop: any EventLoop, until deadline: NIODeadline, acceptsStale: Bool = true,
        then: @escaping (Outcome) -> Void
    ) -> Reply {
        let name = name.lowercased()
        let now = NIODeadline.now()
        let ticket: UInt64
        let promise: EventLoopPromise<Outcome>
        switch ask(name, for: client, on: loop, at: now, acceptsStale: acceptsStale) {
        case .known(let answer, let refresh):
            if let refresh { begin(name, refresh) }
            return .known(answer)
        case .failed(let failure):
            return .failed(failure)
        case .waits(let number, let made, let id):
            (ticket, promise) = (number, made)
            if let id { begin(name, id) }
        }
        return .waiting(
            NameWait(promise.futureResult, until: deadline, on: loop, then: then) { [weak self] in self?.leave(name, ticket) })
    }

    private enum Asked {
        /// With the number of the look-up that is to be begun, as in the last case.
        case known(NameAnswer, UInt64?)
        case failed(NameFailure)
        case waits(UInt64, EventLoopPromise<Outcome>, UInt64?)
    }

    private func ask(
        _ name: String, for client: NameClient?, on loop: any EventLoop, at now: NIODeadline, acceptsStale: Bool
    ) -> Asked {
        state.withLock { state in
            switch state.cache.look(name, at: now) {
            case .known(let answer): return .known(answer, nil)
            case .failed(let failure): return .failed(failure)
            case .stale(let answer) where acceptsStale:
                if case .begin(let id) = state.lookups.refresh(name) { return .known(answer, id) }
                return .known(answer, nil)
            case .stale, .nothing: break
            }
            let ticket = state.lookups.number()
            let promise = loop.makePromise(of: Outcome.self)
            switch state.lookups.join(name, ticket: ticket, for: client, promise) {
            case .begin(let id): return .waits(ticket, promise, id)
            case .joined: return .waits(ticket, promise, nil)
            case .refused:
                promise.succeed(.failure(.tooMany))
                return .failed(.tooMany)
            }
        }
    }

    private func begin(_ name: String, _ id: UInt64) {
        let question = NameQuestion(key: LookupKey(owner: ObjectIdentifier(self), id: id), name: name, servers: servers) {
            self.heard($0, name, id)
        }
        if !thread.submit(.begin(question)) { heard(.failed(.noDescriptor), name, id) }
    }

    private func leave(_ name: String, _ ticket: UInt64) {
        let (waiter, cancelled) = state.withLock { $0.lookups.leave(name, ticket: ticket) }
        waiter?.succeed(.failure(.deadline))
        if let cancelled { _ = thread.submit(.cancel(LookupKey(owner: ObjectIdentifier(self), id: cancelled))) }
    }

    private func heard(_ report: NameQuestion.Report, _ name: String, _ id: UInt64) {
        let now = NIODeadline.now()
        let (waiters, outcome) = state.withLock { state -> ([EventLoopPromise<Outcome>], Outcome) in
            switch report {
            case .some(let addresses, let ttl):
                let waiters = state.lookups.publish(name, id: id)
                state.cache.found(addresses, for: name, ttl: ttl, at: now)
                return (waiters, .success(NameAnswer(addresses)))
            case .found(let addresses, let ttl):
                let waiters = state.lookups.finish(name, id: id)
                state.cache.found(addresses, for: name, ttl: ttl, at: now)
                return (waiters ?? [], .success(NameAnswer(addresses)))
            case .failed(let failure):
                guard let waiters = state.lookups.finish(name, id: id) else { return ([], .failure(failure)) }
                let old = state.cache.failed(failure, for: name, at: now)
                return (waiters, old.map { .success($0) } ?? .failure(failure))
            }
        }
        for waiter in waiters { waiter.succeed(outcome) }
    }

    /// How many names are being looked up.
    package var running: Int { state.withLock { $0.lookups.count } }

    // MARK: - Addresses

    /// A name's addresses in the order in which they are to be dialled at a port.
    package func ordered(_ addresses: [IPAddress], for place: @autoclosure () -> HostPort) -> [IPAddress] {
        guard addresses.count > 1 else { return addresses }
        let place = place()
        return state.withLock { $0.order.order(addresses, for: place, at: .now()) }
    }

    /// One of a name's addresses took a connection.
    /// - Parameter first: The one that was dialled first.
    package func connected(_ address: IPAddress, dialledFirst first: IPAddress, for place: HostPort) {
        guard address != first else { return }
        state.withLock { $0.order.connected(address, dialledFirst: first, for: place, at: .now()) }
    }

    /// One of a name's addresses took a connection, which was of no use: it is dialled behind the others for a while.
    package func wasOfNoUse(_ address: IPAddress, for place: HostPort) {
        state.withLock { $0.order.wasOfNoUse(address, for: place, at: .now()) }
    }

    /// None of a name's addresses took a connection.
    package func failed(for place: HostPort) {
        state.withLock { state in
            state.order.failed(for: place)
            state.cache.doubt(place.host.lowercased(), at: .now())
        }
    }
}
