import HTTPMessages
import Instruments
import Logging
import NIOCore
import NIOEmbedded
import Pipeline

/// A client that writes down what it is answered.
final class RecordingSource: ExchangeSource {
    var heads: [ResponseHead] = []
    var body = ByteBuffer()
    var hasEnded = false
    var trailers: HeaderFields?
    var failure: Failure?
    var credit = 0
    var flushes = 0
    var accepts = true
    /// Passes on at once what comes, and says so.
    var creditsAtOnce = true
    weak var exchange: Exchange?

    var statuses: [Int] { heads.map(\.status) }
    var text: String { String(buffer: body) }

    override func responseHead(_ head: ResponseHead) { heads.append(head) }
    override func responseBody(_ bytes: ByteBuffer) {
        body.writeImmutableBuffer(bytes)
        if creditsAtOnce { exchange?.creditResponse(bytes.readableBytes) }
    }
    override func responseEnd(_ trailers: HeaderFields?) {
        hasEnded = true
        self.trailers = trailers
    }
    override func responseAborted(_ failure: Failure) { self.failure = failure }
    override func requestCredit(_ bytes: Int) { credit += bytes }
    override func responseFlush() { flushes += 1 }
    override func acceptsResponse() -> Bool { accepts }
}

/// An origin that writes down what it is asked, and answers what a test says.
final class RecordingSink: ExchangeSink {
    let exchange: Exchange
    var body = ByteBuffer()
    var hasEnded = false
    var trailers: HeaderFields?
    var failure: Failure?
    var credit = 0
    var resumed = 0
    var flushes = 0
    var creditsAtOnce = true

    init(_ exchange: Exchange) { self.exchange = exchange }

    var text: String { String(buffer: body) }

    override func requestBody(_ bytes: ByteBuffer) {
        body.writeImmutableBuffer(bytes)
        if creditsAtOnce { exchange.creditRequest(bytes.readableBytes) }
    }
    override func requestEnd(_ trailers: HeaderFields?) {
        hasEnded = true
        self.trailers = trailers
    }
    override func requestAborted(_ failure: Failure) { self.failure = failure }
    override func responseCredit(_ bytes: Int) {
        credit += bytes
        if bytes == 0 { resumed += 1 }
    }
    override func requestFlush() { flushes += 1 }

    func answer(_ status: Int, _ text: String = "", _ fields: [(String, String)] = []) {
        exchange.sendResponseHead(
            ResponseHead(status: status, body: .known(Int64(text.utf8.count)), fields: HeaderFields(fields)))
        if !text.isEmpty { exchange.sendResponseBody(ByteBuffer(string: text)) }
        exchange.sendResponseEnd()
        exchange.flushResponse()
    }
}

/// The end of a list of stages, which keeps every exchange that comes to it.
final class RecordingPort: ExchangePort {
    var opened: [RecordingSink] = []
    var offers: BodyCapabilities = []
    /// Answers an exchange before it is attached to a sink. False: it is none of its business.
    var answer: ((Exchange) -> Bool)?

    func open(_ exchange: Exchange) {
        if let answer, answer(exchange) { return }
        let sink = RecordingSink(exchange)
        opened.append(sink)
        exchange.attach(sink)
    }

    var last: RecordingSink? { opened.last }
}

/// A shard with its clock, and exchanges on it.
final class ExchangeBench {
    let loop = EmbeddedEventLoop()
    let shard: Shard
    let end = RecordingPort()

    init() {
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    func exchange(
        _ method: String = "GET", _ authority: String = "example.com", kind: RequestKind = .plain, body: BodyLength = .none,
        _ fields: [(String, String)] = []
    ) -> (Exchange, RecordingSource) {
        let source = RecordingSource()
        let request = RequestHead(
            kind: kind, method: method, scheme: kind == .tunnel ? .none : .http, authority: authority,
            path: kind == .tunnel ? "" : "/", body: body, fields: HeaderFields(fields))
        let client = Inbound(channel: EmbeddedChannel(loop: loop), remote: "test")
        let exchange = Exchange(request, from: source, client: client, on: shard)
        source.exchange = exchange
        return (exchange, source)
    }

    func counter(_ name: String, _ labels: [MetricTable.Label] = []) -> Int64 {
        shard.metrics.counter(MetricDescription(.counter, name, ""), labels).value
    }

    func gauge(_ name: String, _ labels: [MetricTable.Label] = []) -> Int64 {
        shard.metrics.gauge(MetricDescription(.gauge, name, ""), labels).value
    }
}
