import AWS

extension ModelledMetrics {
    /// A maximum over time that is asked for.
    struct Query {
        var id: String
        var name: String
        var period: Int
    }

    /// Answers GetMetricData. `isPartial`: CloudWatch says that it hasn't got all.
    func answer(_ input: CloudWatch.GetInput, isPartial: Bool, _ now: Moment) -> CloudWatch.GetOutput {
        CloudWatch.GetOutput(
            metricDataResults: input.metricDataQueries.map { query in
                let stat = query.metricStat
                return result(
                    Query(id: query.id, name: stat.metric.metricName, period: stat.period), from: input.startTime,
                    to: input.endTime, isPartial: isPartial, now)
            })
    }

    /// The series of a query.
    func result(_ query: Query, from start: Int, to end: Int, isPartial: Bool, _ now: Moment) -> CloudWatch.MetricResult {
        var points = maxima(query.name, from: start, to: end, period: max(1, query.period), now)[...]
        // The newest are what is missing.
        if isPartial { points = points.prefix(points.count / 2) }
        return CloudWatch.MetricResult(
            id: query.id, timestamps: points.map { Instant(Double($0.time)) }, values: points.map(\.value),
            statusCode: isPartial ? "PartialData" : "Complete")
    }
}
