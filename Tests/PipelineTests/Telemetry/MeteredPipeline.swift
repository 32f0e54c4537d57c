import Logging
import NIOCore
import NIOEmbedded

@testable import HTTPMessages
@testable import Instruments
@testable import Pipeline

/// A pipeline of exchanges on one embedded loop: a source that the test is, filters as the test makes them, and a sink that
/// writes down what reaches it.
final class MeteredPipeline {
    final class Source: ExchangeSource {
        var status: [Int] = []
        var body = 0
        override func responseHead(_ head: ResponseHead) { status.append(head.status) }
        override func responseBody(_ bytes: ByteBuffer) { body += bytes.readableBytes }
    }

    final class Sink: ExchangeSink {
        var body = 0
        override func requestBody(_ bytes: ByteBuffer) { body += bytes.readableBytes }
    }

    /// Unchecked, for it is only used on the test's one thread.
    final class Wiring: @unchecked Sendable {
        var first: (any ExchangePort)?
        var sinks: [Sink] = []
        var exchanges: [Exchange] = []
    }

    private struct SourceStage: Stage {
        typealias Input = Start
        typealias Output = Exchange
        let wiring: Wiring
        func assemble(_ downstream: any ExchangePort, on shard: Shard) throws { wiring.first = downstream }
    }

    private struct SinkStage: Stage {
        typealias Input = Exchange
        typealias Output = End
        let wiring: Wiring
        func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort { Port(wiring: wiring) }

        private final class Port: ExchangePort {
            let wiring: Wiring
            init(wiring: Wiring) { self.wiring = wiring }
            func open(_ exchange: Exchange) {
                let sink = Sink()
                wiring.sinks.append(sink)
                exchange.attach(sink)
            }
        }
    }

    struct Filter: FilterStage {
        var make: @Sendable (Exchange) -> Gate?
        func gate(for exchange: Exchange) -> Gate? { make(exchange) }
    }

    let loop = EmbeddedEventLoop()
    let telemetry = Telemetry()
    let wiring = Wiring()
    let shard: Shard

    init(_ filters: [(name: String, filter: Filter)], log: (any ExchangeLog)? = nil) throws {
        shard = Shard(
            loop: loop, group: loop, index: 0, logger: Logger(label: "test"), exchangeLog: log, telemetry: telemetry)
        let source = Plan.NamedStage(name: "source", stage: SourceStage(wiring: wiring))
        let sink = Plan.NamedStage(name: "sink", stage: SinkStage(wiring: wiring))
        let between = filters.map { Plan.NamedStage(name: $0.name, stage: $0.filter) }
        try Plan(folding: [source] + between + [sink]).assemble(on: shard)
    }

    func begin(_ source: Source = Source(), method: String = "POST", path: String = "/") -> Exchange {
        let request = RequestHead(method: method, scheme: .http, authority: "example.com", path: path, body: .unknown)
        let client = Inbound(channel: EmbeddedChannel(loop: loop), remote: "test")
        let exchange = Exchange(request, from: source, client: client, on: shard)
        wiring.exchanges.append(exchange)
        wiring.first?.open(exchange)
        return exchange
    }

    func complete(_ exchange: Exchange, request: Int = 0, response: Int = 0) {
        if request > 0 { exchange.sendRequestBody(ByteBuffer(repeating: 0x61, count: request)) }
        exchange.sendRequestEnd()
        exchange.sendResponseHead(ResponseHead(status: 200, body: .unknown))
        if response > 0 { exchange.sendResponseBody(ByteBuffer(repeating: 0x62, count: response)) }
        exchange.sendResponseEnd()
    }

    /// What a counter or gauge says of the stage at a place, from 1.
    func number(_ name: String, at place: Int, outcome: String? = nil) -> Double {
        let labels = [MetricTable.Label("place", "\(place)")] + (outcome.map { [.init("outcome", $0)] } ?? [])
        return shard.readMetrics().series.reduce(0) { sum, each in
            guard each.key.name == name, labels.allSatisfy(each.key.labels.contains) else { return sum }
            switch each.value {
            case .counter(let value), .gauge(let value): return sum + value
            case .histogram(_, let counts, _): return sum + Double(counts.reduce(0, +))
            }
        }
    }
}
