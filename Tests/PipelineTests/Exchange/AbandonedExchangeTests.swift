import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Pipeline

/// Whoever looks for a way for an exchange hears that it has ended.
@Suite struct AbandonedExchangeTests {
    private let exchange: Exchange
    private let calls = Calls()

    private final class Calls {
        var count = 0
        var sawTheEnd = false
    }

    init() {
        let loop = EmbeddedEventLoop()
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let request = RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/", body: .none)
        exchange = Exchange(
            request, from: ExchangeSource(), client: Inbound(channel: EmbeddedChannel(loop: loop), remote: "client"), on: shard)
        exchange.whenAbandoned = { [exchange, calls] in
            calls.count += 1
            calls.sawTheEnd = exchange.hasEnded
        }
    }

    enum End: CaseIterable { case abortedRequest, abortedResponse, answered, reset }

    @Test(arguments: End.allCases)
    func `It hears of any end, once`(end: End) {
        for _ in 0..<2 {
            switch end {
            case .abortedRequest: exchange.abortRequest(Failure(.cancelled, "gone"))
            case .abortedResponse: exchange.abortResponse(Failure(.timeout, "late"))
            case .answered: exchange.answer(Failure(.forbidden, "no").response(for: exchange.request))
            case .reset: exchange.reset(Failure(.cancelled, "gone"))
            }
        }
        #expect(calls.count == 1 && calls.sawTheEnd)
        #expect(exchange.whenAbandoned == nil, "nothing is held any more")
    }

    @Test func `Who has found a way hears nothing`() {
        exchange.whenAbandoned = nil
        exchange.abortRequest(Failure(.cancelled, "gone"))
        #expect(calls.count == 0)
    }
}
