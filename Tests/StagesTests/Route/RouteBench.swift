import Logging
import NIOEmbedded
import Platform
import Stages
import Testing

@testable import Filters
@testable import HTTPMessages
@testable import Pipeline

extension ExchangeConditions {
    /// Whether a request fits at a time of the week.
    func matches(_ request: RequestHead, weekday: Int, minute: Int) -> Bool {
        fit(ExchangeSubject(request, identity: "-", client: nil, time: LocalTime(weekday: weekday, minute: minute)))
    }
}

/// A list that ends with `route`, behind a source of the bench's.
final class RouteBench {
    let loop = EmbeddedEventLoop()
    let shard: Shard
    let plan: Plan
    private let port: any ExchangePort

    init(_ yaml: String) throws {
        let text = "pipeline:\n  - accept: { listen: \"127.0.0.1:0\" }\n  - http\n  - \(yaml)\n"
        let loader = ConfigurationLoader(registry: .standard(), environment: [:])
        let loaded = try loader.load(text: text, file: "bench.yaml", host: nil)
        var findings: [ConfigurationFinding] = []
        let context = StageContext(logger: Logger(label: "test"), host: .server)
        let stage = try #require(try loaded.stages[2].prepared.made(context, findings: &findings))
        let entrance = RouteEntrance()
        plan = try Plan(folding: [.init(name: "source", stage: entrance), stage])
        shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test"))
        try plan.assemble(on: shard)
        port = try #require(entrance.box.port)
    }

    func open(_ method: String, _ url: String, identity: String? = nil, from remote: String = "192.0.2.1:1234") -> BenchSource {
        let isTunnel = method == "CONNECT"
        let authority = isTunnel ? url : String(url.split(separator: "/")[1])
        let head = RequestHead(
            kind: isTunnel ? .tunnel : .plain, method: method,
            scheme: isTunnel ? .none : url.hasPrefix("https:") ? .https : .http, authority: authority, path: isTunnel ? "" : "/")
        let source = BenchSource()
        let exchange = Exchange(
            head, from: source, client: Inbound(channel: EmbeddedChannel(loop: loop), remote: remote), on: shard)
        source.exchange = exchange
        exchange.identity = identity.map { Identity(name: $0, method: "basic") }
        port.open(exchange)
        exchange.sendRequestEnd()
        return source
    }

    /// How many exchanges have come to each place.
    func entered() -> [String: Int64] { read("fluidity_stage_exchanges_in_total") }
    /// How many are there.
    var open: [String: Int64] { read("fluidity_stage_exchanges_open") }

    private func read(_ name: String) -> [String: Int64] {
        var values: [String: Int64] = [:]
        for entry in shard.metrics.entries where entry.key.name == name {
            let place = entry.key.labels.first { $0.name == "place" }?.value ?? "-"
            switch entry.instrument {
            case .counter(let counter, _): values[place, default: 0] += counter.value
            case .gauge(let gauge, _, _): values[place, default: 0] += gauge.value
            default: break
            }
        }
        return values
    }
}

private struct RouteEntrance: Stage {
    typealias Input = Start
    typealias Output = Exchange

    // Unchecked: a bench lives on one thread, whose loop is an embedded one.
    final class Box: @unchecked Sendable {
        var port: (any ExchangePort)?
    }

    let box = Box()

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws { box.port = downstream }
}
