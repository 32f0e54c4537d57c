import ConfigurationLanguage
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a server can be reached itself: what it says, and what an agent makes of it.
@Suite struct ResumptionPlaceTests {
    // MARK: - The server

    private func offered(_ server: ResumptionServer) throws -> String? {
        let line = try server.accept()
        guard case .hello(let settings)? = try line.frames().first else { return nil }
        return settings.offer?.address
    }

    @Test func `A server says what it was told, else what was found, else nothing`() throws {
        #expect(try offered(ResumptionServer()) == "")
        var told = ResumptionSettings()
        told.address = "192.0.2.7:8443"
        #expect(try offered(ResumptionServer(told)) == "192.0.2.7:8443")
        let own = OwnAddress()
        let telemetry = Telemetry(audit: nil, ownAddress: own)
        #expect(try offered(ResumptionServer(telemetry: telemetry)) == "")
        own.found("203.0.113.9")
        #expect(try offered(ResumptionServer(telemetry: telemetry)) == "203.0.113.9:8443")
        own.found("2001:db8::9")
        #expect(try offered(ResumptionServer(telemetry: telemetry)) == "[2001:db8::9]:8443")
        #expect(try offered(ResumptionServer(told, telemetry: telemetry)) == "192.0.2.7:8443")
    }

    @Test(arguments: ["", "nowhere", "0.0.0.0", "::", "127.0.0.1", "::1", "server.example", "203.0.113.9:1", "64:ff9b::7f00:1"])
    func `What can be nobody's address isn't found`(_ text: String) {
        let own = OwnAddress()
        own.found(text)
        #expect(own.address == nil)
        own.found("203.0.113.9")
        own.found(text)
        #expect(own.address == IPAddress(host: "203.0.113.9"))
    }

    @Test(arguments: [
        ("server.example:8443", "an IP address and a port"), ("0.0.0.0:8443", "nobody can be reached"),
        ("[::]:8443", "nobody can be reached"),
    ])
    func `What no agent could use isn't taken as an address`(_ text: String, _ words: String) throws {
        var configuration = ResumptionConfiguration()
        configuration.address = try HostPort(configured: text)
        let problems = configuration.validate()
        #expect(problems.count == 1 && problems[0].message.contains(words))
        configuration.address = try HostPort(configured: "[2001:db8::7]:8443")
        configuration.enabled = true
        #expect(configuration.validate().isEmpty && configuration.settings?.address == "[2001:db8::7]:8443")
    }

    // MARK: - The agent

    private static let addresses: [(String, HostPort?)] = [
        ("203.0.113.7:8443", HostPort(host: "203.0.113.7", port: 8443)),
        ("[2001:db8::7]:1", HostPort(host: "2001:db8::7", port: 1)),
        ("", nil), ("203.0.113.7", nil), ("203.0.113.7:0", nil), ("203.0.113.7:65536", nil),
        ("203.0.113.7:99999999999999999999", nil),
        ("203.0.113.7:-1", nil), ("203.0.113.7:+1", nil), (":8443", nil), ("2001:db8::7:1", nil), ("[2001:db8::7]", nil),
        ("[2001:db8::7", nil), ("[fe80::1%eth0]:8443", nil), ("server.example:8443", nil), ("https://203.0.113.7:8443/", nil),
        ("user@203.0.113.7:1", nil),
        (String(repeating: "9", count: 255), nil), (String(repeating: ":", count: 255), nil),
    ]

    @Test(arguments: ResumptionPlaceTests.addresses)
    func `An address that is none is as if it weren't there`(_ address: String, _ place: HostPort?) throws {
        let link = ResumptionLink(address: address)
        #expect(link.agent.port.detour == nil)
        try link.connect()
        try link.move()
        #expect(link.agent.port.detour == nil)
        let client = TunnelClient<MuxClientPort>.Client()
        let exchange = link.agent.ask("/", client, method: "POST", body: .unknown)
        try link.move()
        link.cut(agentFirst: true)
        #expect(link.agent.port.detour == place)
        try link.connect()
        try link.move()
        // It goes on, and is of no use any more until the next loss.
        #expect(!exchange.hasEnded && link.agent.port.detour == nil)
        link.cut(agentFirst: false)
        #expect(link.agent.port.detour == place)
    }

    /// Nor is it a sign that the server is gone, which three refusals in a row of the usual place are.
    @Test func `What becomes of a detour says nothing of the usual place`() throws {
        let link = ResumptionLink(address: "203.0.113.7:8443")
        try link.connect()
        try link.move()
        let client = TunnelClient<MuxClientPort>.Client()
        let exchange = link.agent.ask("/", client, method: "POST", body: .unknown)
        try link.move()
        link.cut(agentFirst: true)
        let refusal = IOError(errnoCode: ECONNREFUSED, reason: "connect")
        for _ in 0..<5 {
            try link.fail(isDetour: true, refusal)
            #expect(!exchange.hasEnded)
        }
        for _ in 0..<2 { try link.fail(isDetour: false, refusal) }
        #expect(!exchange.hasEnded)
        try link.fail(isDetour: false, refusal)
        #expect(exchange.hasEnded && client.aborted?.code == .tunnelLost)
    }
}
