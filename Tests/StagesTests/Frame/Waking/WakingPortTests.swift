import ConfigurationLanguage
import HTTPMessages
import Logging
import NIOCore
import NIOEmbedded
import Pipeline
import Synchronization
import Testing

@testable import TunnelStages

/// Exchanges that wait for a server that is being woken.
@Suite struct WakingPortTests {
    /// Whoever comes after: keeps what was passed on.
    final class Next: ExchangePort {
        var opened: [Exchange] = []
        func open(_ exchange: Exchange) { opened.append(exchange) }
    }

    final class Client: ExchangeSource {
        var head: ResponseHead?
        var text = ""
        override func responseHead(_ head: ResponseHead) { self.head = head }
        override func responseBody(_ bytes: ByteBuffer) { text += String(buffer: bytes) }
    }

    let loop = EmbeddedEventLoop()
    let presence: ServerPresence
    let shard: Shard
    let next = Next()
    let port: WakingPort

    init() {
        var settings = LifecycleSettings()
        settings.hold = 3
        settings.holdBytes = ByteCount(100)
        settings.connectionTimeout = .seconds(60)
        presence = ServerPresence(settings)
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        port = WakingPort(next: next, presence: presence, shard: shard, shares: 1)
    }

    private func open(_ fields: [(String, String)] = [], kind: RequestKind = .plain, method: String = "GET") -> (Exchange, Client) {
        let client = Client()
        let head = RequestHead(
            kind: kind, method: method, scheme: .http, authority: "example.com", path: "/", fields: HeaderFields(fields))
        let exchange = Exchange(
            head, from: client, client: Inbound(channel: EmbeddedChannel(loop: loop), remote: "test"), on: shard)
        port.open(exchange)
        return (exchange, client)
    }

    @Test func passWhileTheServerIsUp() {
        presence.connected()
        loop.run()
        let (exchange, _) = open()
        #expect(next.opened.first === exchange)
    }

    @Test func waitUntilItIsUpAndKeepTheirOrder() async {
        let first = open().0
        let second = open(method: "POST").0
        #expect(next.opened.isEmpty)
        presence.enter(.waking(expected: nil))
        loop.run()
        #expect(next.opened.isEmpty)
        presence.connected()
        loop.run()
        #expect(next.opened.map(ObjectIdentifier.init) == [first, second].map(ObjectIdentifier.init))
    }

    /// Of which nothing was begun when the server went: the next one does it, and it is asked for.
    @Test func areTakenBackFromAServerThatHasGone() async {
        presence.connected()
        loop.run()
        let (exchange, _) = open()
        // As long as there is a server, whoever has it knows better.
        let again = exchange.whenUnavailable.take()
        #expect(again?(exchange) == false)
        presence.disconnected()
        loop.run()
        #expect(again?(exchange) == true)
        var demands = presence.demands.makeAsyncIterator()
        #expect(await demands.next() != nil)
        #expect(next.opened.count == 1)
        presence.connected()
        loop.run()
        #expect(next.opened.count == 2 && next.opened.last === exchange)
        // Once: it doesn't go round.
        #expect(exchange.whenUnavailable == nil)
    }

    @Test func areNotTakenBackWhereTheServerCannotBeStarted() {
        presence.connected()
        loop.run()
        let (exchange, _) = open()
        presence.disconnected()
        presence.enter(.failed("no key"))
        loop.run()
        #expect(exchange.whenUnavailable.take()?(exchange) == false)
    }

    @Test func askForTheServer() async {
        _ = open()
        var demands = presence.demands.makeAsyncIterator()
        #expect(await demands.next() != nil)
    }

    @Test func areBoundedInNumber() {
        let clients = (0..<4).map { _ in open().1 }
        #expect(clients.prefix(3).allSatisfy { $0.head == nil })
        #expect(clients[3].head?.status == 503)
        #expect(clients[3].head?.fields.first("Retry-After") != nil)
    }

    @Test func areBoundedInBytes() {
        let (exchange, _) = open(method: "POST")
        exchange.sendRequestBody(ByteBuffer(repeating: 0x41, count: 101))
        #expect(open().1.head?.status == 503)
    }

    @Test func waitNoLongerThanTheLimit() {
        let client = open().1
        shard.deadlines.sweep(now: .now() + .seconds(59))
        #expect(client.head == nil)
        shard.deadlines.sweep(now: .now() + .seconds(61))
        #expect(client.head?.status == 503)
        #expect(client.head?.fields.first("Retry-After") == "3")
    }

    @Test func areToldWhenItCannotBeStarted() {
        let client = open().1
        presence.enter(.failed("the API key is wrong"))
        loop.run()
        #expect(client.head?.status == 503)
        #expect(client.text.contains("the API key is wrong"))
    }

    @Test func thoseThatGaveUpAreForgotten() {
        let exchange = open().0
        exchange.abortRequest(Failure(.cancelled, "gone"))
        presence.connected()
        loop.run()
        #expect(next.opened.isEmpty)
    }

    @Test func aBrowserGetsAPageThatReloads() {
        let client = open([("Accept", "text/html,*/*"), ("Sec-Fetch-Mode", "navigate")]).1
        #expect(client.head?.status == 503)
        #expect(client.head?.fields.first("Content-Type") == "text/html; charset=utf-8")
        #expect(client.text.contains("http-equiv=\"refresh\""))
    }

    @Test(
        arguments: [
            ([("Accept", "text/html"), ("Sec-Fetch-Mode", "no-cors")], RequestKind.plain, "GET"),
            ([("Accept", "*/*")], .plain, "GET"),
            ([("Accept", "text/html")], .plain, "POST"), ([("Accept", "text/html")], .upgrade, "GET"), ([], .tunnel, "CONNECT"),
        ] as [([(String, String)], RequestKind, String)])
    func whateverElseWaits(_ fields: [(String, String)], _ kind: RequestKind, _ method: String) {
        #expect(open(fields, kind: kind, method: method).1.head == nil)
    }

    @Test func whatThePageSaysIsText() {
        presence.enter(.failed("<script>"))
        let client = open([("Accept", "text/html")]).1
        #expect(client.text.contains("&lt;script&gt;") && !client.text.contains("<script>"))
    }

    @Test func theLastConnectionThatEndsPutsItToSleep() {
        presence.connected()
        presence.connected()
        presence.disconnected()
        #expect(presence.isUp)
        presence.disconnected()
        #expect(presence.phase == .asleep)
    }
}
