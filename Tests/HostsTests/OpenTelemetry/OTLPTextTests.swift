import Foundation
import HTTPMessages
import Instruments
import NIOCore
import Testing

@testable import OpenTelemetry
@testable import Pipeline

/// The forms that a collector is sent, as OTLP 1 has them in JSON.
@Suite struct OTLPTextTests {
    private let resource = OTLPResource(service: "mine", host: .agent)

    private func read(_ bytes: [UInt8]) throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
    }

    @Test func spansOfAnExchange() throws {
        let exchange = TracedExchange(
            id: ExchangeID(rawValue: 0xab), ended: .now(), method: "GET", host: "a\"b", port: 81, status: nil, outcome: "failed",
            isError: true, failure: Failure(.timeout, "too\nlate"), route: "home", received: 1, sent: 2)
        let recorded = RecordedExchange(
            context: TraceContext(trace: (1, 2), parent: 0x0f, isSampled: true), parent: nil, exchange: exchange, began: 5,
            ended: 9,
            parts: [.init(id: 0xcd, kind: .dial, began: 6, ended: 7, problem: nil)])
        let message = try read(OTLPTraces.body([recorded], from: resource))
        let spans = try #require(
            (((message["resourceSpans"] as? [NSDictionary])?.first?["scopeSpans"] as? [NSDictionary])?.first?["spans"])
                as? [NSDictionary])
        #expect(spans.count == 2)
        let own = spans[0]
        #expect(own["traceId"] as? String == "00000000000000010000000000000002" && own["spanId"] as? String == "000000000000000f")
        #expect(own["parentSpanId"] == nil && own["name"] as? String == "GET" && own["kind"] as? Int == 2)
        #expect(own["startTimeUnixNano"] as? String == "5" && own["endTimeUnixNano"] as? String == "9")
        #expect(own["status"] as? NSDictionary == ["code": 2, "message": "too late"])
        let attributes = try #require(own["attributes"] as? [NSDictionary])
        #expect(attributes.contains(["key": "server.address", "value": ["stringValue": "a\"b"]]))
        #expect(attributes.contains(["key": "server.port", "value": ["intValue": "81"]]))
        #expect(attributes.contains(["key": "error.type", "value": ["stringValue": "timeout"]]))
        #expect(spans[1]["parentSpanId"] as? String == "000000000000000f" && spans[1]["name"] as? String == "dial")
        #expect(spans[1]["status"] == nil && spans[1]["kind"] as? Int == 3)
    }

    @Test func whatIsSentAgainHasTheSameSpans() {
        let exchange = TracedExchange(
            id: ExchangeID(rawValue: 1), ended: .now(), method: "GET", host: "a", port: nil, status: 200, outcome: "completed",
            isError: false, failure: nil, route: nil, received: 0, sent: 0)
        let recorded = RecordedExchange(
            context: TraceContext(trace: (1, 2), parent: 3, isSampled: true), parent: nil, exchange: exchange, began: 5, ended: 9,
            parts: [.init(id: 4, kind: .dial, began: 6, ended: 7, problem: nil)])
        #expect(OTLPTraces.body([recorded], from: resource) == OTLPTraces.body([recorded], from: resource))
    }

    @Test(arguments: [
        ("", 0), ("{}", 0), ("{\"partialSuccess\":{}}", 0), ("nonsense", 0), ("{\"partialSuccess\":{\"rejectedSpans\":\"3\"}}", 3),
        ("{\"partialSuccess\":{\"rejectedSpans\":4,\"errorMessage\":\"no\"}}", 4),
        ("{\"partialSuccess\":{\"rejectedDataPoints\":\"5\"}}", 5), ("{\"partialSuccess\":{\"rejectedSpans\":\"-3\"}}", 0),
    ])
    func whatACollectorRejects(_ answer: String, _ count: Int) {
        #expect(OTLPCollector.rejected(in: Array(answer.utf8)) == count)
    }

    @Test func metricsOfEveryKind() throws {
        var snapshot = MetricSnapshot()
        snapshot.add(.init("one_total", "One.", labels: [.init("a", "1")], .counter(3)))
        snapshot.add(.init("one_total", "One.", labels: [.init("a", "2")], .counter(4)))
        snapshot.add(.init("two", "Two.", .gauge(-1.5)))
        snapshot.add(.init("three", "Three.", .histogram(bounds: [0.5, 1], counts: [1, 0, 2], sum: 7.25)))
        let message = try read(OTLPMetrics.body(snapshot, started: 10, now: 20, from: resource))
        let metrics = try #require(
            (((message["resourceMetrics"] as? [NSDictionary])?.first?["scopeMetrics"] as? [NSDictionary])?.first?["metrics"])
                as? [NSDictionary])
        #expect(metrics.map { $0["name"] as? String } == ["one_total", "two", "three"])
        let sum = try #require(metrics[0]["sum"] as? NSDictionary)
        #expect(sum["isMonotonic"] as? Bool == true && sum["aggregationTemporality"] as? Int == 2)
        let points = try #require(sum["dataPoints"] as? [NSDictionary])
        #expect(points.map { $0["asDouble"] as? Double } == [3, 4])
        #expect(points[1]["attributes"] as? [NSDictionary] == [["key": "a", "value": ["stringValue": "2"]]])
        #expect(points[0]["startTimeUnixNano"] as? String == "10000000000" && points[0]["timeUnixNano"] as? String == "20000000000")
        let histogram = try #require(((metrics[2]["histogram"] as? NSDictionary)?["dataPoints"] as? [NSDictionary])?.first)
        #expect(histogram["count"] as? String == "3" && histogram["bucketCounts"] as? [String] == ["1", "0", "2"])
        #expect(histogram["explicitBounds"] as? [Double] == [0.5, 1] && histogram["sum"] as? Double == 7.25)
    }
}
