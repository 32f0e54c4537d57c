package import Instruments
import Pipeline
import Platform

/// Writes metrics as a request to a collector: `ExportMetricsServiceRequest` of OTLP 1, in its JSON form. Names are those of `docs/metrics.md`,
/// and what only grows is told as it is since the start (cumulative).
package enum OTLPMetrics {
    /// The body of the request.
    /// - Parameters:
    ///   - started: When counting began, in seconds of the Unix epoch.
    ///   - now: When the metrics were read, in seconds of the Unix epoch.
    package static func body(_ snapshot: MetricSnapshot, started: Int, now: Int, from resource: OTLPResource) -> [UInt8] {
        var names: [String] = []
        var series: [String: [MetricSnapshot.Series]] = [:]
        for each in snapshot.series {
            if series[each.key.name] == nil { names.append(each.key.name) }
            series[each.key.name, default: []].append(each)
        }
        var json = JSONText(capacity: snapshot.series.count * 256 + 512)
        json.object { json in
            json.key("resourceMetrics")
            json.array { json in
                json.object { json in
                    resource.write(to: &json)
                    json.key("scopeMetrics")
                    json.array { json in
                        json.object { json in
                            json.scope()
                            json.key("metrics")
                            json.array { json in
                                for name in names { write(series[name] ?? [], started: started, now: now, to: &json) }
                            }
                        }
                    }
                }
            }
        }
        return json.bytes
    }

    private static func write(_ series: [MetricSnapshot.Series], started: Int, now: Int, to json: inout JSONText) {
        guard let first = series.first else { return }
        json.object { json in
            json.member("name", first.key.name)
            json.member("description", first.help)
            switch first.value {
            case .counter: json.key("sum")
            case .gauge: json.key("gauge")
            case .histogram: json.key("histogram")
            }
            json.object { json in
                if case .gauge = first.value {
                } else {
                    // AGGREGATION_TEMPORALITY_CUMULATIVE
                    json.member("aggregationTemporality", 2)
                }
                if case .counter = first.value {
                    json.key("isMonotonic")
                    json.value(true)
                }
                json.key("dataPoints")
                json.array { json in
                    for each in series { json.object { point(each, started: started, now: now, to: &$0) } }
                }
            }
        }
    }

    private static func point(_ series: MetricSnapshot.Series, started: Int, now: Int, to json: inout JSONText) {
        json.key("attributes")
        json.array { json in for label in series.key.labels { json.attribute(label.name, label.value) } }
        json.member("startTimeUnixNano", "\(started)000000000")
        json.member("timeUnixNano", "\(now)000000000")
        switch series.value {
        case .counter(let value), .gauge(let value):
            json.key("asDouble")
            json.value(value)
        case .histogram(let bounds, let counts, let sum):
            json.member("count", "\(counts.reduce(0, +))")
            json.key("sum")
            json.value(sum)
            json.key("bucketCounts")
            json.array { json in for count in counts { json.value("\(count)") } }
            json.key("explicitBounds")
            json.array { json in for bound in bounds { json.value(bound) } }
        }
    }
}
