import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Pipeline

/// Who an exchange is from, and where it may go.
@Suite struct ExchangeStandingTests {
    private final class Check: AddressCheck {
        let refusal: Failure?
        init(_ refusal: String?) { self.refusal = refusal.map { Failure(.forbidden, $0) } }
        func refusal(of address: SocketAddress) -> Failure? { refusal }
    }

    private func exchange() -> Exchange {
        let loop = EmbeddedEventLoop()
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let head = RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/")
        return Exchange(
            head, from: ExchangeSource(), client: Inbound(channel: EmbeddedChannel(loop: loop), remote: "test"), on: shard)
    }

    /// What checks say, and what counts.
    @Test(
        arguments: [([], nil), ([nil, nil], nil), (["one"], "one"), ([nil, "two"], "two"), (["one", "two"], "one")]
            as [([String?], String?)])
    func `The first check that refuses an address counts`(_ says: [String?], _ expected: String?) throws {
        let exchange = exchange()
        for each in says { exchange.addressChecks.append(Check(each)) }
        let address = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        #expect(exchange.refusal(of: address)?.message == expected)
    }

    @Test func `One within another is of the same client, and may go nowhere else`() {
        let outer = exchange()
        outer.identity = Identity(name: "ann", method: "basic")
        outer.role = .proxy
        outer.credentials = .proxyAuthorization("secret")
        outer.addressChecks = [Check("no")]
        let inner = Exchange(outer.request, within: outer, from: ExchangeSource())
        #expect(inner.client === outer.client && inner.clientConnection == outer.clientConnection)
        #expect(inner.identity == outer.identity && inner.role == .proxy && inner.addressChecks.count == 1)
        #expect(inner.credentials != nil)
        // Behind the stage that makes it within, others may find out more, or forbid more.
        inner.addressChecks.append(Check("neither"))
        #expect(outer.addressChecks.count == 1)
        inner.identity = Identity(name: "bob", method: "jwt")
        #expect(outer.identity?.name == "bob" && outer.clientName == "bob")
    }

    @Test func `Somebody's name is what a stage has found out`() {
        let exchange = exchange()
        #expect(exchange.clientName == "-")
        exchange.identity = Identity(name: "ann", method: "basic")
        #expect(exchange.clientName == "ann")
    }
}
