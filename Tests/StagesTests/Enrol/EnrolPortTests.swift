import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Testing

@testable import TunnelStages

/// How many may enrol at once, of one client and of all.
@Suite struct EnrolPortTests {
    private final class Nobody: InboundPort {
        let protocols: [String] = []
        func accept(_ connection: Inbound) {}
    }

    private let shard: Shard
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() {
        let loop = EmbeddedEventLoop()
        shard = Shard(loop: loop, group: loop, index: 0, logger: logger)
    }

    private func connection(_ client: Int) -> Inbound { Inbound(channel: EmbeddedChannel(), remote: "192.0.2.\(client):1") }

    private func fills(_ port: EnrolPort, ofOne: Int) {
        let first = connection(1)
        for _ in 0..<ofOne { #expect(port.take(for: first)) }
        #expect(!port.take(for: connection(1)))
        var others: [Inbound] = []
        while others.count <= EnrolPort.width, port.take(for: connection(2 + others.count / ofOne)) {
            others.append(connection(2 + others.count / ofOne))
        }
        #expect(others.count == EnrolPort.width - ofOne)
        #expect(!port.take(for: connection(99)))
        port.giveBack(from: first)
        #expect(port.take(for: connection(99)))
    }

    @Test func `A client leaves places to others at the desk`() throws {
        let files = try DeskFiles()
        defer { files.remove() }
        fills(
            EnrolPort(desk: .here(try EnrolmentDesk(files.configuration, logger: logger)), downstream: Nobody(), shard: shard),
            ofOne: 12)
    }

    @Test func `On the way to a desk it has fewer`() throws {
        fills(
            EnrolPort(desk: .at(try SocketAddress(ipAddress: "192.0.2.200", port: 1)), downstream: Nobody(), shard: shard), ofOne: 4
        )
    }
}
