import Instruments
import Logging
import NIOCore
import NIOEmbedded
import Stages
import Testing

@testable import HTTPMessages
@testable import Pipeline

/// One filter between a source and a sink that write down what reaches them, on a loop whose clock the test moves.
final class FilterBench {
    let loop = EmbeddedEventLoop()
    let shard: Shard
    let sink = BenchSink()
    private let port: any ExchangePort

    /// - Parameters:
    ///   - yaml: the filter as one entry of a list: `egress: { rules: [] }`.
    ///   - pipeline: what it stands in; `FILTER` is replaced.
    convenience init(
        _ yaml: String, in pipeline: [String] = ["accept: { listen: 127.0.0.1:0 }", "http", "FILTER", "fetch"]
    ) throws {
        let lines = pipeline.map { "  - " + ($0 == "FILTER" ? yaml : $0) }
        let text = "pipeline:\n" + lines.joined(separator: "\n") + "\n"
        let loader = ConfigurationLoader(registry: .standard(), environment: [:])
        let loaded = try loader.load(text: text, file: "bench.yaml", host: nil)
        let place = try #require(pipeline.firstIndex(of: "FILTER"))
        try self.init(try loaded.plan(logger: Logger(label: "test")).stages[place].stage, named: loaded.stages[place].name)
    }

    /// A filter as it is.
    init(_ stage: any Stage, named name: String = "filter") throws {
        let box = PortBox()
        let plan = try Plan(folding: [
            .init(name: "source", stage: BenchSourceStage(box: box)),
            .init(name: name, stage: stage),
            .init(name: "sink", stage: BenchSinkStage(sink: sink)),
        ])
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test"))
        try plan.assemble(on: shard)
        port = try #require(box.port)
    }

    @discardableResult
    func open(
        _ request: RequestHead = RequestHead(method: "GET", scheme: .http, authority: "example.com", path: "/"),
        from remote: String = "192.0.2.1:1234", peer: PeerIdentity? = nil, identity: Identity? = nil,
        credentials: Credentials? = nil, role: ClientRole = .proxy, beforeOpening: (Exchange) -> Void = { _ in }
    ) -> BenchSource {
        let client = Inbound(channel: EmbeddedChannel(loop: loop), remote: remote)
        client.identity = peer
        let source = BenchSource()
        let exchange = Exchange(request, from: source, client: client, on: shard)
        exchange.identity = identity
        exchange.credentials = credentials
        exchange.role = role
        source.exchange = exchange
        beforeOpening(exchange)
        port.open(exchange)
        return source
    }

    /// The value of a metric, summed over its labels.
    func metric(_ name: String, where label: (String, String)? = nil) -> Int64 {
        var sum: Int64 = 0
        for entry in shard.metrics.entries where entry.key.name == name {
            if let label, !entry.key.labels.contains(.init(label.0, label.1)) { continue }
            switch entry.instrument {
            case .counter(let counter, _): sum += counter.value
            case .gauge(let gauge, _, _): sum += gauge.value
            default: break
            }
        }
        return sum
    }
}

final class BenchSource: ExchangeSource {
    var exchange: Exchange?
    var heads: [ResponseHead] = []
    var body = ""
    var ended = false
    var aborted: Failure?
    var credit = 0
    var flushes = 0

    var status: Int? { heads.last?.status }
    func field(_ name: String) -> String? { heads.last?.fields.first(name) }

    override func responseHead(_ head: ResponseHead) { heads.append(head) }
    override func responseBody(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
    override func responseEnd(_ trailers: HeaderFields?) { ended = true }
    override func responseAborted(_ failure: Failure) { aborted = failure }
    override func requestCredit(_ bytes: Int) { credit += bytes }
    override func responseFlush() { flushes += 1 }
}

/// The sink of every exchange that gets through.
final class BenchSink: ExchangePort {
    var passed: [BenchPassed] = []
    var last: BenchPassed? { passed.last }

    func open(_ exchange: Exchange) {
        let end = BenchPassed(exchange)
        passed.append(end)
        exchange.attach(end)
    }
}

final class BenchPassed: ExchangeSink {
    let exchange: Exchange
    var body = ""
    var ended = false
    var aborted: Failure?
    var credit = 0

    init(_ exchange: Exchange) { self.exchange = exchange }

    override func requestBody(_ bytes: ByteBuffer) { body += String(buffer: bytes) }
    override func requestEnd(_ trailers: HeaderFields?) { ended = true }
    override func requestAborted(_ failure: Failure) { aborted = failure }
    override func responseCredit(_ bytes: Int) { credit += bytes }

    func respond(_ status: Int = 200, fields: [(String, String)] = [], body: String = "") {
        exchange.sendResponseHead(ResponseHead(status: status, body: .unknown, fields: HeaderFields(fields)))
        if !body.isEmpty { exchange.sendResponseBody(ByteBuffer(string: body)) }
        exchange.sendResponseEnd()
    }
}

// Unchecked: a bench lives on one thread, whose loop is an embedded one.
private final class PortBox: @unchecked Sendable {
    var port: (any ExchangePort)?
}

private struct BenchSourceStage: Stage {
    typealias Input = Start
    typealias Output = Exchange
    let box: PortBox

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws {
        box.port = downstream
    }
}

// Unchecked: see `PortBox`.
private struct BenchSinkStage: Stage, @unchecked Sendable {
    typealias Input = Exchange
    typealias Output = End
    let sink: BenchSink

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort { sink }
}
