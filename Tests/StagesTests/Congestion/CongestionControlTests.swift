import ConfigurationLanguage
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

struct CongestionControlTests {
    private func listen() async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).get()
    }

    private func inUse(_ channel: any Channel) async throws -> String {
        let provider = try #require(channel as? any SocketOptionProvider)
        let bytes: (UInt64, UInt64) = try await provider.unsafeGetSocketOption(
            level: .tcp, name: .init(rawValue: TCP_CONGESTION)
        ).get()
        return withUnsafeBytes(of: bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Every Linux has reno.
    @Test func channelUsesIt() async throws {
        let listener = try await listen()
        try await CongestionControl(configured: "reno").apply(to: listener).get()
        #expect(try await inUse(listener) == "reno")
        try await listener.close()
    }

    @Test func whatTheSystemDoesNotHaveIsSaid() async throws {
        let listener = try await listen()
        let control = try CongestionControl(configured: "no-such")
        let error = await #expect(throws: StageError.self) { try await control.apply(to: listener).get() }
        #expect(error?.message.contains("'no-such'") == true)
        #expect(error?.key == "congestion-control")
        try await listener.close()
    }

    @Test(arguments: ["", "sixteen-bytes-xy", "b b", "b\u{0}"])
    func noName(_ text: String) {
        #expect(throws: InvalidValue.self) { try CongestionControl(configured: text) }
    }
}
#endif
