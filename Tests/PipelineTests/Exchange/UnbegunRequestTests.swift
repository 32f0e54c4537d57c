import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPMessages
@testable import Pipeline

/// An exchange whose sink has had nothing begun goes to another.
@Suite struct UnbegunRequestTests {
    private final class Source: ExchangeSource {
        var credit = 0
        var heads: [Int] = []
        override func requestCredit(_ bytes: Int) { credit += bytes }
        override func responseHead(_ head: ResponseHead) { heads.append(head.status) }
    }

    /// Keeps what it gets as a sink does that may have to give it back.
    private final class Sink: ExchangeSink {
        var request = UnbegunRequest()
        var seen: [String] = []
        var onBody: (() -> Void)?

        override func requestBody(_ bytes: ByteBuffer) {
            request.append(bytes)
            seen.append(String(buffer: bytes))
            onBody?()
        }

        override func requestEnd(_ trailers: HeaderFields?) {
            request.appendEnd(trailers)
            seen.append("end \(trailers?.list.map(\.0) ?? [])")
        }

        override func requestAborted(_ failure: Failure) { seen.append("aborted") }

        func pass(_ bytes: Int, of exchange: Exchange) {
            request.credit(bytes)
            exchange.creditRequest(bytes)
        }
    }

    private let source = Source()
    private let exchange: Exchange

    init() {
        let loop = EmbeddedEventLoop()
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let request = RequestHead(method: "POST", scheme: .http, authority: "a.test", path: "/", body: .unknown)
        exchange = Exchange(
            request, from: source, client: Inbound(channel: EmbeddedChannel(loop: loop), remote: "client"), on: shard)
    }

    /// Whether a third sink is there already when the second gives the request back, in the middle of being given it.
    @Test(arguments: [false, true])
    func `A sink that gives it back at once leaves its end to the next`(_ isNextThere: Bool) {
        let (first, second, third) = (Sink(), Sink(), Sink())
        exchange.attach(first)
        exchange.sendRequestBody(ByteBuffer(string: "one "))
        exchange.sendRequestEnd(HeaderFields([("Sum", "1")]))
        #expect(exchange.detach(returning: first.request))
        second.onBody = { [exchange] in
            #expect(exchange.detach(returning: second.request))
            if isNextThere { exchange.attach(third) }
        }
        exchange.attach(second)
        if !isNextThere { exchange.attach(third) }
        #expect(second.seen == ["one "])
        #expect(third.seen.joined() == #"one end ["Sum"]"#)
    }

    /// What comes while it is with nobody waits for somebody.
    @Test func `What comes behind a sink that gave it back at once isn't lost`() {
        let (first, second, third) = (Sink(), Sink(), Sink())
        exchange.attach(first)
        exchange.sendRequestBody(ByteBuffer(string: "one "))
        #expect(exchange.detach(returning: first.request))
        exchange.sendRequestBody(ByteBuffer(string: "two "))
        second.onBody = { [exchange] in #expect(exchange.detach(returning: second.request)) }
        exchange.attach(second)
        exchange.sendRequestEnd(nil)
        exchange.attach(third)
        #expect(second.seen == ["one "])
        #expect(third.seen.joined() == "one two end []")
    }

    @Test func `The next sink gets all of it, in its order, and credit is given once`() {
        let (first, second, third) = (Sink(), Sink(), Sink())
        exchange.attach(first)
        exchange.sendRequestBody(ByteBuffer(string: "one "))
        exchange.sendRequestBody(ByteBuffer(string: "two "))
        first.pass(6, of: exchange)
        #expect(exchange.detach(returning: first.request))
        // What comes in the meantime stands behind it, and so does what the client sends when it sees bytes go.
        exchange.sendRequestBody(ByteBuffer(string: "three "))
        second.onBody = { [exchange] in
            second.onBody = nil
            exchange.sendRequestBody(ByteBuffer(string: "four"))
            exchange.sendRequestEnd(HeaderFields([("Sum", "1")]))
        }
        exchange.attach(second)
        #expect(second.seen.joined() == #"one two three fourend ["Sum"]"#)
        second.pass(4, of: exchange)
        #expect(source.credit == 6)
        #expect(exchange.detach(returning: second.request))
        exchange.attach(third)
        #expect(third.seen.joined() == #"one two three fourend ["Sum"]"#)
        third.pass(18, of: exchange)
        #expect(source.credit == 18)
        exchange.sendResponseHead(ResponseHead(status: 200))
        exchange.sendResponseEnd()
        #expect(exchange.hasEnded && source.heads == [200] && !first.seen.contains("aborted") && !second.seen.contains("aborted"))
    }

    @Test func `What was kept is bounded, and a part isn't taken for the whole`() {
        var request = UnbegunRequest()
        let piece = ByteBuffer(repeating: 1, count: 16 << 10)
        for _ in 0..<4 { request.append(piece) }
        #expect(request.isWhole && request.body.readableBytes == UnbegunRequest.limit)
        request.append(ByteBuffer(integer: UInt8(1)))
        #expect(!request.isWhole && request.body.storageCapacity == 0)
        request.append(ByteBuffer(integer: UInt8(1)))
        exchange.attach(Sink())
        #expect(!request.isWhole && !exchange.detach(returning: request))
    }

    /// One byte of a large buffer would keep all of it.
    @Test func `A small part of what was read is copied`() {
        var request = UnbegunRequest()
        var read = ByteBuffer(repeating: 1, count: 65_536)
        request.append(read.readSlice(length: 10) ?? ByteBuffer())
        #expect(request.body.storageCapacity <= 1_024)
    }

    @Test func `What has begun or ended doesn't go back`() {
        let sink = Sink()
        exchange.attach(sink)
        exchange.sendResponseHead(ResponseHead(status: 200))
        #expect(!exchange.detach(returning: sink.request))
        exchange.abortRequest(Failure(.cancelled, "gone"))
        #expect(!exchange.detach(returning: sink.request))
    }
}
