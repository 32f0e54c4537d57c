package import NIOCore

/// Amazon CloudWatch metrics.
package struct CloudWatch: Sendable {
    /// The client that calls are made with.
    package let client: AWSClient

    /// The operations of CloudWatch with this client.
    package init(_ client: AWSClient) {
        self.client = client
    }

    /// What a metric is of: a name and a value, as CloudWatch has them.
    package struct Dimension: Sendable, Hashable, Codable {
        /// The dimension's name.
        package var name: String
        /// The dimension's value.
        package var value: String

        /// A dimension with one value.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// One value to be stored.
    package struct Datum: Sendable, Hashable, Encodable {
        /// The units of CloudWatch that are used here.
        package enum Unit: String, Sendable, Encodable {
            /// A number of things.
            case count = "Count"
            /// A time in seconds.
            case seconds = "Seconds"
            /// A number of bytes.
            case bytes = "Bytes"
        }

        var metricName: String
        var dimensions: [Dimension]
        var timestamp: Int
        var value: Double
        var unit: Unit
        /// 1 for values that are kept by the second, 60 by the minute.
        var storageResolution: Int

        /// A value at a time in seconds of the Unix epoch.
        package init(
            _ name: String, _ dimensions: [Dimension], _ value: Double, _ unit: Unit, at time: Int, resolution: Int = 60
        ) {
            metricName = name
            self.dimensions = dimensions
            timestamp = time
            self.value = value
            self.unit = unit
            storageResolution = resolution
        }
    }

    /// A series of values that is asked for.
    package struct Query: Sendable, Hashable {
        /// The metric's name.
        package var name: String
        /// The dimensions of the metric, all of them: CloudWatch has a series for each combination.
        package var dimensions: [Dimension]
        /// The name of the statistic: `Maximum`, `Sum`, `Average` …
        package var statistic: String

        /// A query for one statistic of one metric.
        package init(_ name: String, _ dimensions: [Dimension], _ statistic: String) {
            self.name = name
            self.dimensions = dimensions
            self.statistic = statistic
        }
    }

    /// A metric's value over one period.
    package struct Point: Sendable, Hashable {
        /// The beginning of the period, in seconds of the Unix epoch.
        package var time: Double
        /// The statistic over the period.
        package var value: Double

        /// A value of the period that begins at a time.
        package init(time: Double, value: Double) {
            self.time = time
            self.value = value
        }
    }

    /// Series in the order of the queries, each from the oldest to the newest.
    package struct Series: Sendable, Hashable {
        /// The points of each query.
        package var points: [[Point]]
        /// Whether the series are whole; false when CloudWatch said that there is more than it would give.
        package var isComplete: Bool
    }

    /// Stores values, at most a thousand in one request.
    package func putMetricData(namespace: String, _ data: [Datum], deadline: NIODeadline) async throws(AWSError) {
        var rest = data[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(1_000))
            rest = rest.dropFirst(1_000)
            _ = try await call("PutMetricData", PutInput(namespace: namespace, metricData: batch), as: Nothing.self, deadline)
        }
    }

    /// The series of several metrics, over as many pages as CloudWatch has, at most twenty.
    package func getMetricData(
        namespace: String, _ queries: [Query], from start: Int, to end: Int, period: Int, deadline: NIODeadline
    ) async throws(AWSError) -> Series {
        let wanted = queries.enumerated().map { index, query in
            QueryInput(
                id: "m\(index)",
                metricStat: Statistic(
                    metric: Metric(namespace: namespace, metricName: query.name, dimensions: query.dimensions), period: period,
                    stat: query.statistic))
        }
        var points = [[Point]](repeating: [], count: queries.count)
        var partial = [Bool](repeating: false, count: queries.count)
        var token: String?
        for _ in 0..<20 {
            let input = GetInput(metricDataQueries: wanted, startTime: start, endTime: end, nextToken: token)
            let page = try await call("GetMetricData", input, as: GetOutput.self, deadline)
            for result in page.metricDataResults ?? [] {
                guard let id = result.id, id.hasPrefix("m"), let index = Int(id.dropFirst()), points.indices.contains(index)
                else { continue }
                let times = result.timestamps ?? []
                let values = result.values ?? []
                guard times.count == values.count else {
                    throw AWSError(.invalidAnswer, "GetMetricData was answered with times and values that don't match")
                }
                points[index] += zip(times, values).map { Point(time: $0.seconds, value: $1) }
                // A metric's last page says how the whole of it ended.
                partial[index] = (result.statusCode ?? "Complete") != "Complete"
            }
            token = page.nextToken.flatMap { $0.isEmpty ? nil : $0 }
            guard token != nil else { break }
        }
        return Series(
            points: points.map { $0.sorted { $0.time < $1.time } }, isComplete: token == nil && !partial.contains(true))
    }

    private func call<Output: Decodable>(
        _ operation: String, _ input: some Encodable & Sendable, as output: Output.Type, _ deadline: NIODeadline
    ) async throws(AWSError) -> Output {
        try await client.json(
            .cloudWatch, version: "1.0", api: "GraniteServiceVersion20100801", operation, input, as: output, capitalized: true,
            deadline: deadline)
    }
}
