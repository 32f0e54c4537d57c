import HTTPMessages
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// Who gets which connection to an origin: of a client that has proved who he is, nobody gets his.
@Suite struct OriginPoolTests {
    private final class Connection: PooledConnection {
        let name: String
        var owner: ConnectionOwner
        var courtesy = OriginPool<Connection>.courtesy
        var leadsElsewhere = false
        var idleSince = NIODeadline.distantFuture

        init(_ name: String, _ owner: ConnectionOwner = .everybody) {
            self.name = name
            self.owner = owner
        }

        func hasAddress(allowedFor exchange: Exchange) -> Bool { !leadsElsewhere }
    }

    private let bench = ExchangeBench()
    private let pool = OriginPool<Connection>()
    private let line: WaitingExchanges
    private let clients: [String: Inbound] = ["ann", "bob"].reduce(into: [:]) {
        $0[$1] = Inbound(channel: EmbeddedChannel(), remote: $1)
    }

    init() {
        line = WaitingExchanges(on: bench.shard, limit: 100) { exchange, _ in
            exchange.abortResponse(Failure(.excessive, "no place"))
        }
        pool.line = line
    }

    private func wait(_ exchanges: [Exchange]) {
        for each in exchanges { line.append(each, for: .seconds(10)) }
    }

    /// An exchange of a client, or of one that can't be told from others.
    private func exchange(_ client: String?) -> Exchange {
        let (exchange, source) = bench.exchange()
        exchange.clientConnection = client.flatMap { clients[$0] }.map { ClientConnection($0) }
        sources.kept.append(source)
        return exchange
    }

    private final class Sources { var kept: [RecordingSource] = [] }
    private let sources = Sources()

    private func owner(_ client: String) throws -> ConnectionOwner { .client(ClientConnection(try #require(clients[client]))) }

    /// Idle connections from the one used first to the one used last, who asks, and what he gets.
    @Test(
        arguments: [
            (["a", "b"], "ann", "b"),
            (["a", "ann's", "b"], "ann", "ann's"),
            (["ann's", "ann's too", "b"], "ann", "ann's too"),
            (["a", "ann's", "b"], "bob", "b"),
            (["ann's"], "bob", nil),
            (["a", "ann's"], nil, "a"),
            ([], "ann", nil),
        ] as [([String], String?, String?)])
    func `An idle connection is taken`(_ idle: [String], _ client: String?, _ expected: String?) throws {
        for name in idle {
            let owner = name.hasPrefix("ann's") ? try owner("ann") : .everybody
            pool.keep(Connection(name, owner))
        }
        #expect(pool.takeIdle(for: exchange(client))?.name == expected)
        #expect(pool.idle.count == idle.count - (expected == nil ? 0 : 1))
    }

    @Test func `A connection whose address an exchange may not go to is left`() {
        let near = Connection("near")
        let far = Connection("far")
        far.leadsElsewhere = true
        pool.keep(near)
        pool.keep(far)
        let asking = exchange("ann")
        asking.addressChecks = [NoCheck()]
        #expect(pool.takeIdle(for: asking)?.name == "near")
        #expect(pool.takeIdle(for: asking) == nil)
    }

    private final class NoCheck: AddressCheck {
        func refusal(of address: SocketAddress) -> Failure? { nil }
    }

    @Test func `A free connection goes to whoever waits longest`() {
        let waiting = [exchange("ann"), exchange("bob")]
        wait(waiting)
        #expect(pool.takeWaiting(for: Connection("free")) === waiting[0])
        #expect(pool.takeWaiting(for: Connection("free")) === waiting[1])
        #expect(pool.takeWaiting(for: Connection("free")) == nil)
    }

    @Test func `A connection that has become free is no way to an address that is refused`() {
        let asking = exchange("ann")
        asking.addressChecks = [NoCheck()]
        wait([asking])
        let far = Connection("far")
        far.leadsElsewhere = true
        #expect(pool.takeWaiting(for: far) == nil && pool.waiting == 1)
        #expect(pool.takeWaiting(for: Connection("near")) === asking)
    }

    @Test func `A free connection of a client's own goes to nobody else who waits`() throws {
        let waiting = [exchange("bob"), exchange(nil), exchange("ann")]
        wait(waiting)
        let hers = Connection("ann's", try owner("ann"))
        #expect(pool.takeWaiting(for: hers) === waiting[2])
        #expect(pool.takeWaiting(for: hers) == nil && pool.waiting == 2)
        #expect(pool.takeWaiting(for: Connection("nobody's", .unknown)) == nil)
        #expect(pool.takeWaiting() === waiting[0] && pool.takeWaiting() === waiting[1] && pool.takeWaiting() == nil)
    }

    /// A client with many requests doesn't keep a place for ever by having it as his own.
    @Test func `An owner goes before others a few times, and then it is their turn`() throws {
        let hers = Connection("ann's", try owner("ann"))
        let bob = exchange("bob")
        wait([bob])
        for _ in 0..<20 { wait([exchange("ann")]) }
        var turns = 0
        while pool.takeWaiting(for: hers) != nil { turns += 1 }
        #expect(turns == OriginPool<Connection>.courtesy && !pool.shows(courtesyTo: hers))
        #expect(pool.takeWaiting() === bob)
        // With nobody but himself waiting he needs no courtesy; and when nobody waits, he has all of it again.
        while pool.takeWaiting(for: hers) != nil {}
        #expect(!pool.hasWaiting && pool.shows(courtesyTo: hers) && hers.courtesy == OriginPool<Connection>.courtesy)
    }

    @Test func `Whoever has left doesn't wait`() {
        let left = exchange("ann")
        let stays = exchange("bob")
        wait([left, stays])
        left.abortRequest(Failure(.cancelled, "left"))
        #expect(pool.waiting == 1 && pool.takeWaiting(for: Connection("free")) === stays && !pool.hasWaiting)
    }

    @Test func `The one idle the longest is given up first`() throws {
        let names = ["first", "ann's", "last"]
        for name in names { pool.keep(Connection(name, name == "ann's" ? try owner("ann") : .everybody)) }
        #expect(pool.idle.first?.name == "first")
        #expect(names.map { _ in pool.takeOldest()?.name } == names)
        #expect(pool.takeOldest() == nil)
        // The count of connections with an owner is right again: what is shared is found without a search.
        pool.keep(Connection("shared"))
        #expect(pool.takeIdle(for: exchange("bob"))?.name == "shared")
    }

    private func isIdle(_ place: OriginPool<Connection>.Place) -> Bool { if case .idle = place { true } else { false } }
    private func isNew(_ place: OriginPool<Connection>.Place) -> Bool { if case .new = place { true } else { false } }

    @Test func `Who asks gets an idle connection, else a new one, else a place in the line`() {
        pool.keep(Connection("idle"))
        pool.open = 1
        #expect(isIdle(pool.place(for: exchange("ann"), of: 2)) && pool.open == 1)
        #expect(isNew(pool.place(for: exchange("ann"), of: 2)) && pool.open == 2)
        let third = pool.place(for: exchange("ann"), of: 2)
        #expect(!isIdle(third) && !isNew(third) && pool.open == 2)
    }

    /// How long the connection is idle in milliseconds, and what is done for one who waits and may not use it.
    @Test(
        arguments: [(0, false), (999, false), (1_000, true)] as [(Int64, Bool)])
    func `A client's own connection keeps its place for a moment`(_ idle: Int64, _ givesUp: Bool) throws {
        let expected = givesUp ? OriginPool<Connection>.MakingWay.giveUpOldest : .lookAgain(in: .seconds(1))
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        let hers = Connection("ann's", try owner("ann"))
        hers.idleSince = now - .milliseconds(idle)
        #expect(pool.makeWay(at: now) == .nothing)
        pool.keep(hers)
        #expect(pool.makeWay(at: now) == .nothing)
        wait([exchange("bob")])
        #expect(pool.makeWay(at: now) == expected)
        // One look is enough.
        if case .lookAgain = expected {
            #expect(pool.makeWay(at: now) == .nothing)
            pool.watched()
            #expect(pool.makeWay(at: now) == expected)
        }
    }

    /// Seconds that the configuration has, and those that a client's own connection is kept.
    @Test(arguments: [(0, 5), (1, 5), (5, 5), (10, 10), (30, 30), (600, 30)] as [(Int64, Int64)])
    func `A client's own connection is kept for a moment, and not for long`(_ configured: Int64, _ own: Int64) throws {
        let time = Duration.seconds(configured)
        #expect(ConnectionOwner.everybody.idleTime(of: time) == time)
        #expect(try owner("ann").idleTime(of: time) == .seconds(own))
    }

    @Test func `A connection becomes its client's once and for all`() throws {
        var owner = ConnectionOwner.everybody
        owner.claim(for: exchange("ann"))
        owner.claim(for: exchange("bob"))
        #expect(owner == (try self.owner("ann")) && owner.admits(exchange("ann")))
        #expect(!owner.admits(exchange("bob")) && !owner.admits(exchange(nil)))
        owner = .everybody
        owner.claim(for: exchange(nil))
        #expect(owner == .unknown && !owner.admits(exchange(nil)) && !owner.admits(exchange("ann")))
    }
}
