import NIOCore
import NIOEmbedded
import Testing

@testable import TunnelStages

@Suite struct ProxyPageTests {
    @Test(
        arguments: [
            ("GET", "/", "127.0.0.1:8080", true), ("HEAD", "/", "[::1]:8080", true), ("GET", "/", "LocalHost", true),
            ("GET", "/", "rebound.example:8080", false), ("GET", "/", nil, false), ("GET", "/?q", "127.0.0.1", false),
            ("POST", "/", "127.0.0.1", false), ("GET", "http://127.0.0.1/", "127.0.0.1", false),
        ] as [(String, String, String?, Bool)])
    func itIsForWhoeverAsksTheListenerItself(_ method: String, _ target: String, _ host: String?, _ isWanted: Bool) {
        #expect(ProxyPage.isWanted(by: method, target, host: host) == isWanted)
    }

    @Test(
        arguments: [
            ("127.0.0.1", "127.0.0.1", true), ("::1", "::1", true), ("192.0.2.1", "192.0.2.2", false),
            ("127.0.0.1", "192.0.2.2", false), ("192.0.2.1", "127.0.0.1", false), ("127.0.0.1", nil, false), (nil, nil, false),
        ] as [(String?, String?, Bool)])
    func whatIsntKnownIsElsewhere(_ local: String?, _ remote: String?, _ isNear: Bool) throws {
        let channel = EmbeddedChannel()
        channel.localAddress = try local.map { try SocketAddress(ipAddress: $0, port: 1) }
        channel.remoteAddress = try remote.map { try SocketAddress(ipAddress: $0, port: 2) }
        #expect(channel.isWithinThisMachine == isNear)
        channel.remoteAddress = try SocketAddress(unixDomainSocketPath: "/tmp/a")
        #expect(channel.isWithinThisMachine)
    }
}
