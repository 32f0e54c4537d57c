import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Pipeline

/// Exchanges that wait: for a time, for their clients, and in turns.
@Suite struct WaitingExchangesTests {
    private final class Refused { var all: [(exchange: Exchange, refusal: WaitingExchanges.Refusal)] = [] }

    private let loop = EmbeddedEventLoop()
    private let shard: Shard
    private let refused = Refused()
    private let waiting: WaitingExchanges

    init() {
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        waiting = WaitingExchanges(on: shard, limit: 4, byteLimit: 100) { [refused] in refused.all.append(($0, $1)) }
    }

    private func exchange(_ address: String, agents client: UInt64? = nil, as name: String? = nil) -> Exchange {
        let inbound = Inbound(channel: EmbeddedChannel(loop: loop), remote: "\(address):1")
        let request = RequestHead(method: "POST", scheme: .http, authority: "a.test", path: "/", body: .unknown)
        let exchange = Exchange(request, from: ExchangeSource(), client: inbound, on: shard)
        if let client { exchange.clientConnection = ClientConnection(inbound, client: client) }
        if let name { exchange.identity = Identity(name: name, method: "basic") }
        return exchange
    }

    private func wait(_ exchanges: [Exchange], seconds: Int64 = 10) {
        for each in exchanges { waiting.append(each, for: .seconds(seconds)) }
    }

    @Test func `Who leaves has left at once`() {
        let exchanges = (0..<3).map { _ in exchange("10.0.0.1") }
        wait(exchanges)
        exchanges[1].abortRequest(Failure(.cancelled, "gone"))
        #expect(waiting.count == 2 && refused.all.isEmpty)
        exchanges[0].abortRequest(Failure(.cancelled, "gone"))
        exchanges[2].abortRequest(Failure(.cancelled, "gone"))
        #expect(waiting.isEmpty && waiting.sweepIndex == nil)
    }

    @Test func `Whose time is up is refused`() {
        let late = exchange("10.0.0.1")
        let patient = exchange("10.0.0.2")
        wait([late], seconds: 1)
        wait([patient], seconds: 60)
        shard.deadlines.sweep(now: .now())
        #expect(refused.all.isEmpty)
        shard.deadlines.sweep(now: .now() + .seconds(2))
        #expect(refused.all.map(\.refusal) == [.late] && refused.all.first?.exchange === late)
        #expect(waiting.count == 1 && waiting.first === patient && late.whenAbandoned == nil)
    }

    @Test func `Who has all places gives one up for another client`() {
        let many = (0..<4).map { _ in exchange("10.0.0.1") }
        wait(many)
        let other = exchange("10.0.0.2")
        wait([other])
        #expect(waiting.count == 4 && refused.all.map(\.refusal) == [.crowded] && refused.all.first?.exchange === many[3])
        // He himself gets no further one.
        let fifth = exchange("10.0.0.1")
        wait([fifth])
        #expect(refused.all.count == 2 && refused.all.last?.exchange === fifth)
        #expect(waiting.popFirst() === many[0] && waiting.popFirst() === other)
    }

    @Test func `Who holds all bytes gives way as well`() {
        let heavy = exchange("10.0.0.1")
        heavy.sendRequestBody(ByteBuffer(repeating: 1, count: 100))
        wait([heavy])
        let other = exchange("10.0.0.2")
        wait([other])
        #expect(refused.all.first?.exchange === heavy && waiting.count == 1 && waiting.first === other)
    }

    /// Two exchanges, and whether they are one client's.
    @Test func `Clients are told apart`() {
        let group = UInt64(1) << 40
        let table: [(Exchange, Exchange, Bool)] = [
            (exchange("10.0.0.1"), exchange("10.0.0.1"), true),
            (exchange("10.0.0.1"), exchange("10.0.0.2"), false),
            (exchange("10.0.0.1", agents: group + 1), exchange("10.0.0.1", agents: group + 2), true),
            (exchange("10.0.0.1", agents: group + 1), exchange("10.0.0.1", agents: 2 * group + 1), false),
            (exchange("10.0.0.1", as: "ann"), exchange("10.0.0.2", as: "ann"), true),
            (exchange("10.0.0.1", as: "ann"), exchange("10.0.0.1", as: "bob"), false),
        ]
        for (index, (one, other, areSame)) in table.enumerated() {
            #expect((ExchangeParty(one) == ExchangeParty(other)) == areSame, "row \(index)")
        }
    }

    /// What an agent calls its clients' connections says which are one client's.
    @Test func `An agent's client is one at the other end`() {
        func name(_ address: String) -> UInt64 {
            ClientConnection(Inbound(channel: EmbeddedChannel(loop: loop), remote: "\(address):1")).name
        }
        let carrier = Inbound(channel: EmbeddedChannel(loop: loop), remote: "10.9.9.9:1")
        let groups = ["10.0.0.1", "10.0.0.1", "10.0.0.2"].map { ClientConnection(carrier, client: name($0)).group }
        #expect(groups[0] == groups[1] && groups[0] != groups[2])
        #expect(name("10.0.0.1") != name("10.0.0.1"))
    }

    @Test func `What isn't taken stays the first`() {
        let exchanges = ["10.0.0.1", "10.0.0.2", "10.0.0.1"].map { exchange($0) }
        wait(exchanges)
        var taken: [Exchange] = []
        waiting.release { exchange in
            guard taken.isEmpty else { return false }
            taken.append(exchange)
            return true
        }
        #expect(taken.first === exchanges[0] && waiting.count == 2 && waiting.first === exchanges[1])
        exchanges[1].abortRequest(Failure(.cancelled, "gone"))
        #expect(waiting.count == 1 && waiting.first === exchanges[2], "who was put back still hears of the end")
    }
}
