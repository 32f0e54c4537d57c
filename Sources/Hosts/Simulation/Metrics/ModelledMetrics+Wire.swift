import AWS

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension ModelledMetrics {
    /// Answers GetMetricData, JSON for JSON. `isPartial`: CloudWatch says that it hasn't got all.
    func answer(_ body: [UInt8], isPartial: Bool, _ now: Moment) -> WireAnswer {
        let input: GetInput
        do { input = try JSONDecoder().decode(GetInput.self, from: Data(body)) } catch { return .unreadable }
        var results: [String] = []
        for query in input.queries {
            guard let stat = query.stat else { continue }
            let found = result(
                Query(id: query.id, name: stat.metric.name, period: stat.period), from: Int(input.start), to: Int(input.end),
                isPartial: isPartial, now)
            let times = (found.timestamps ?? []).map { "\(Int($0.seconds))" }.joined(separator: ",")
            let values = (found.values ?? []).map { "\($0)" }.joined(separator: ",")
            results.append(
                #"{"Id":"\#(query.id)","Label":"\#(stat.metric.name)","Timestamps":[\#(times)],"Values":[\#(values)],"#
                    + #""StatusCode":"\#(found.statusCode ?? "")"}"#)
        }
        return .done(#"{"MetricDataResults":[\#(results.joined(separator: ","))],"Messages":[]}"#)
    }

    /// What PutMetricData was given; nil if it can't be read.
    static func data(_ body: [UInt8]) -> [Datum]? {
        guard let input = try? JSONDecoder().decode(PutInput.self, from: Data(body)) else { return nil }
        return input.data.map { Datum(name: $0.name, value: $0.value, time: $0.time) }
    }

    private struct GetInput: Decodable {
        struct Query: Decodable {
            var id: String
            var stat: Statistic?

            enum CodingKeys: String, CodingKey {
                case id = "Id"
                case stat = "MetricStat"
            }
        }

        struct Statistic: Decodable {
            var metric: Metric
            var period: Int

            enum CodingKeys: String, CodingKey {
                case metric = "Metric"
                case period = "Period"
            }
        }

        struct Metric: Decodable {
            var name: String

            enum CodingKeys: String, CodingKey { case name = "MetricName" }
        }

        var queries: [Query]
        var start: Double
        var end: Double

        enum CodingKeys: String, CodingKey {
            case queries = "MetricDataQueries"
            case start = "StartTime"
            case end = "EndTime"
        }
    }

    private struct PutInput: Decodable {
        struct Value: Decodable {
            var name: String
            var value: Double
            var time: Double

            enum CodingKeys: String, CodingKey {
                case name = "MetricName"
                case value = "Value"
                case time = "Timestamp"
            }
        }

        var data: [Value]

        enum CodingKeys: String, CodingKey { case data = "MetricData" }
    }
}
