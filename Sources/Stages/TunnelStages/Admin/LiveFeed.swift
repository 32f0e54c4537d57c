import HTTPMessages
import NIOCore
import Pipeline
import Synchronization

/// How many watch. All loops' feeds share it.
final class LiveFeeds: Sendable {
    /// More than that watch nothing new.
    static let limit = 32
    private let count = Mutex(0)

    /// Sends a report each second to whoever asked, until he goes.
    func begin(_ exchange: Exchange, _ query: AdminQuery, _ history: RecentHistory, on shard: Shard) {
        let mayBegin = count.withLock { count in
            guard count < Self.limit else { return false }
            count += 1
            return true
        }
        guard mayBegin else {
            return exchange.respond(LocalResponse(status: 503, body: "\(Self.limit) watch already.\n"))
        }
        let feed = LiveFeed(exchange, query, history, shard) { self.count.withLock { $0 -= 1 } }
        exchange.attach(feed)
        feed.begin()
    }
}

/// Server-sent events (HTML, 9.2): a report at once, and another each second. One that reads too slowly gets fewer.
private final class LiveFeed: ExchangeSink {
    private static let interval = TimeAmount.seconds(1)

    private let exchange: Exchange
    private let query: AdminQuery
    private let history: RecentHistory
    private let shard: Shard
    private let ended: () -> Void
    private var isOver = false
    /// What was sent and hasn't left yet.
    private var unsent = 0
    private var hasHistory = false

    init(_ exchange: Exchange, _ query: AdminQuery, _ history: RecentHistory, _ shard: Shard, ended: @escaping () -> Void) {
        self.exchange = exchange
        self.query = query
        self.history = history
        self.shard = shard
        self.ended = ended
    }

    func begin() {
        let fields = HeaderFields([("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        exchange.sendResponseHead(ResponseHead(status: 200, reason: "OK", body: .unknown, fields: fields))
        guard exchange.request.method != "HEAD" else {
            over()
            return exchange.sendResponseEnd()
        }
        report()
    }

    private func report() {
        guard !isOver else { return }
        guard unsent == 0 else { return waitForNext() }
        let (telemetry, query) = (shard.telemetry, query.exchanges)
        let points = hasHistory ? nil : history.points
        hasHistory = true
        shard.loop.makeFutureWithTask { await LiveReport(telemetry, query).json(history: points) }
            .assumeIsolated().whenSuccess { self.send($0) }
    }

    private func send(_ json: String) {
        guard !isOver else { return }
        // The report ends its only line.
        let bytes = ByteBuffer(string: "data: \(json)\n")
        unsent += bytes.readableBytes
        exchange.sendResponseBody(bytes)
        exchange.flushResponse()
        waitForNext()
    }

    private func waitForNext() { shard.loop.assumeIsolated().scheduleTask(in: Self.interval) { self.report() } }

    override func requestBody(_ bytes: ByteBuffer) { exchange.creditRequest(bytes.readableBytes) }
    override func responseCredit(_ bytes: Int) { unsent = max(0, unsent - bytes) }
    override func requestAborted(_ failure: Failure) { over() }

    private func over() {
        guard !isOver else { return }
        isOver = true
        ended()
    }
}
