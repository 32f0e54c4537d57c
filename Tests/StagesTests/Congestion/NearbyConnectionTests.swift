@testable import TunnelStages

#if os(Linux)
import Logging
import NIOCore
import NIOPosix
import Testing

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Where the kernel offers no `bbr` there is nothing to be changed, and that is what these find.
struct NearbyConnectionTests {
    /// What a listener uses after a change, having begun with `bbr` or, where there is none, with what the system has.
    private func after(
        from first: String = "bbr", host: String = "127.0.0.1", _ change: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> (before: String, after: String) {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: host, port: 0).get()
        let control = try CongestionControl(configured: first)
        let names = try await channel.eventLoop.submit {
            _ = control.apply(to: channel)
            let before = try Self.inUse(channel)
            try change(channel)
            return (before, try Self.inUse(channel))
        }.get()
        try await channel.close()
        return names
    }

    private static func inUse(_ channel: any Channel) throws -> String {
        let provider = try #require(channel as? any SocketOptionProvider)
        var bytes: (UInt64, UInt64)?
        provider.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: TCP_CONGESTION)).assumeIsolated()
            .whenSuccess { bytes = $0 }
        return withUnsafeBytes(of: try #require(bytes)) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private func withoutTimers(_ name: String) -> String { name == "bbr" ? "reno" : name }

    @Test func nothingNearIsSentByATimer() async throws {
        let names = try await after { NearbyConnection.tune($0) }
        #expect(names.after == withoutTimers(names.before))
    }

    @Test func whatTheSystemMakesOfAllNeedNotBeAsked() async throws {
        let names = try await after(from: "no-such") { NearbyConnection.tune(new: $0) }
        #expect(names.after == withoutTimers(names.before))
    }

    @Test func othersStayAsTheyAre() async throws {
        let names = try await after(from: "cubic") { NearbyConnection.tune($0) }
        #expect(names.after == withoutTimers(names.before))
        #expect(names.before != "cubic" || names.after == "cubic")
    }

    @Test func aMillisecondIsNotNear() async throws {
        let near = try await after { NearbyConnection.tune($0, roundTrip: .microseconds(999)) }
        #expect(near.after == withoutTimers(near.before))
        let far = try await after { NearbyConnection.tune($0, roundTrip: .milliseconds(1)) }
        #expect(far.after == far.before)
    }

    /// Clients on this machine; others may be anywhere.
    @Test(arguments: [("127.0.0.1", true), ("0.0.0.0", false)])
    func listenersOnLoopback(host: String, isNear: Bool) async throws {
        let listener = Listener(configuration: AcceptConfiguration(), logger: Logger(label: "test"), isReserved: false)
        let names = try await after(host: host) { _ = listener.chooseCongestionControl($0) }
        #expect(names.after == (isNear ? withoutTimers(names.before) : names.before))
    }

    @Test func whatIsConfiguredStays() async throws {
        var configuration = AcceptConfiguration()
        configuration.congestionControl = .bbr
        let listener = Listener(configuration: configuration, logger: Logger(label: "test"), isReserved: false)
        let names = try await after { _ = listener.chooseCongestionControl($0) }
        #expect(names.after == names.before)
    }
}
#endif
