import Pipeline

@testable import TunnelStages

#if os(Linux)
import NIOCore
import NIOPosix
import Testing

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

@Suite(.timeLimit(.minutes(10))) struct DistantConnectionTests {
    /// A connection on a loop that has carried something, and is told that its peer is far; then what `check` finds.
    private func connected<Result: Sendable>(
        chooses: Bool, _ check: @escaping @Sendable (any Channel, DistantConnection) throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let channel = try await ClientBootstrap(group: group).connect(to: try #require(listener.localAddress)).get()
        let distant = try await channel.eventLoop.submit {
            let distant = DistantConnection(channel, roundTrip: .milliseconds(80), choosesCongestionControl: chooses)
            return NIOLoopBound(try #require(distant), eventLoop: channel.eventLoop)
        }.get()
        try await channel.writeAndFlush(ByteBuffer(string: "something"))
        // The estimate is there when what was sent has been acknowledged.
        while try await channel.eventLoop.submit({ try Self.isWithoutEstimate(channel) }).get() { await Task.yield() }
        let result = try await channel.eventLoop.submit { try check(channel, distant.value) }.get()
        try await channel.close()
        try await listener.close()
        return result
    }

    private static func option<Value: Sendable>(
        _ name: CInt, of channel: any Channel, as type: Value.Type, level: NIOBSDSocket.OptionLevel = .tcp
    ) throws -> Value {
        let provider = try #require(channel as? any SocketOptionProvider)
        var value: Value?
        provider.unsafeGetSocketOption(level: level, name: .init(rawValue: name)).assumeIsolated().whenSuccess { value = $0 }
        return try #require(value)
    }

    private static func congestionControl(_ channel: any Channel) throws -> UInt64 {
        try option(TCP_CONGESTION, of: channel, as: (UInt64, UInt64).self).0
    }

    private static func isWithoutEstimate(_ channel: any Channel) throws -> Bool {
        guard try congestionControl(channel) == CongestionControl.bbr.word else { return false }
        return try option(TCP_CC_INFO, of: channel, as: (UInt32, UInt32, UInt32, UInt32, UInt32).self).0 == 0
    }

    @Test func littleWaitsUnsentInTheKernel() async throws {
        let unsent = try await connected(chooses: false) { channel, _ in
            try Self.option(TCP_NOTSENT_LOWAT, of: channel, as: Int32.self)
        }
        #expect(Int(unsent) == DistantConnection.unsent)
    }

    /// Where the kernel doesn't offer it, the connection keeps what it has.
    @Test func bbrIsUsedWhereItIsOfferedAndNothingElseWasChosen() async throws {
        let isOffered = try await connected(chooses: false) { channel, _ in
            var isOffered = false
            CongestionControl.bbr.apply(to: channel).assumeIsolated().whenSuccess { isOffered = true }
            return isOffered
        }
        let (before, after) = try await connected(chooses: false) { channel, _ in
            _ = CongestionControl.reno.apply(to: channel)
            let before = try Self.congestionControl(channel)
            _ = DistantConnection(channel, roundTrip: .milliseconds(80), choosesCongestionControl: true)
            return (before, try Self.congestionControl(channel))
        }
        #expect(before == CongestionControl.reno.word)
        #expect(after == (isOffered ? CongestionControl.bbr : .reno).word)
    }

    @Test func whatWasChosenStays() async throws {
        let name = try await connected(chooses: false) { channel, _ in
            _ = CongestionControl.reno.apply(to: channel)
            _ = DistantConnection(channel, roundTrip: .milliseconds(80), choosesCongestionControl: false)
            return try Self.congestionControl(channel)
        }
        #expect(name == CongestionControl.reno.word)
    }

    /// What it believes after a pause was never found while it was busy for long: it begins anew, and that is a rate of nothing.
    @Test func bbrBeginsAnewAfterAPause() async throws {
        let (isUsed, isWithout, restarts) = try await connected(chooses: true) { channel, distant in
            let isUsed = try Self.congestionControl(channel) == CongestionControl.bbr.word
            distant.isBusy(.now())
            return (isUsed, try Self.isWithoutEstimate(channel), distant.restarts)
        }
        #expect(isWithout == isUsed)
        #expect(restarts == (isUsed ? 1 : 0))
    }

    @Test func busyPeriodsBeginAfterAPauseAndSettle() {
        var periods = BusyPeriods(pause: .seconds(1))
        var now = NIODeadline.now()
        var steps: [BusyPeriods.Step] = []
        for wait in [0, 1_000, 999, 1, 499, 1, 1_001, 1_000] {
            now = now + .milliseconds(Int64(wait))
            steps.append(periods.note(now))
        }
        #expect(steps == [.began, .goesOn, .goesOn, .settled, .goesOn, .settled, .began, .goesOn])
    }

    @Test func aRateIsHeldAndReleased() async throws {
        let rates = try await connected(chooses: false) { channel, distant in
            let steps: [RateSearch.Step] = [.goesOn, .hold(5 << 30), .goesOn, .release]
            return try steps.map { step in
                distant.follow(step)
                return try Self.option(SO_MAX_PACING_RATE, of: channel, as: UInt64.self, level: .socket)
            }
        }
        #expect(rates == [.max, 5 << 30, 5 << 30, .max])
    }

    /// It is looked at a round trip later; and others than `bbr` need no help.
    @Test func theSearchIsFollowedWhileItIsBusy() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let channel = try await ClientBootstrap(group: group).connect(to: try #require(listener.localAddress)).get()
        let distant = try await channel.eventLoop.submit {
            _ = CongestionControl.reno.apply(to: channel)
            let distant = DistantConnection(channel, roundTrip: .milliseconds(10), choosesCongestionControl: false)
            return NIOLoopBound(try #require(distant), eventLoop: channel.eventLoop)
        }.get()
        let isOver = try await channel.eventLoop.submit {
            distant.value.isBusy(.now())
            return distant.value.search.isOver
        }.get()
        #expect(!isOver)
        while try await !channel.eventLoop.submit({ distant.value.search.isOver }).get() { await Task.yield() }
        try await channel.close()
        try await listener.close()
    }

    @Test func othersDoNotBeginAnew() async throws {
        let restarts = try await connected(chooses: false) { channel, distant in
            _ = CongestionControl.reno.apply(to: channel)
            distant.isBusy(.now())
            return distant.restarts
        }
        #expect(restarts == 0)
    }
}
#endif
