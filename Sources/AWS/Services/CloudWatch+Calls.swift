/// What the operations are given and answer, as their bodies have it. A model of CloudWatch takes and gives these in place of JSON, as far as
/// they are of the package.
extension CloudWatch {
    /// What PutMetricData is given.
    struct PutInput: Encodable, Sendable {
        var namespace: String
        var metricData: [Datum]
    }

    /// What GetMetricData is given.
    package struct GetInput: Encodable, Sendable {
        /// What is asked for, each with an id of its own.
        package var metricDataQueries: [QueryInput]
        /// From when on, in seconds of the Unix epoch.
        package var startTime: Int
        /// Until when, in seconds of the Unix epoch.
        package var endTime: Int
        /// The oldest first.
        package var scanBy = "TimestampAscending"
        /// Where the page before ended; nil for the first.
        package var nextToken: String?
    }

    /// One of the series that are asked for.
    package struct QueryInput: Encodable, Sendable {
        /// What its results are known by.
        package var id: String
        /// The statistic.
        package var metricStat: Statistic
        /// Always true: it is wanted for itself.
        package var returnData = true
    }

    /// A statistic of a metric.
    package struct Statistic: Encodable, Sendable {
        /// The metric.
        package var metric: Metric
        /// The length of a period, in seconds.
        package var period: Int
        /// `Maximum`, `Sum`, `Average` …
        package var stat: String
    }

    /// A metric by its names.
    package struct Metric: Encodable, Sendable {
        /// Its namespace.
        package var namespace: String
        /// Its own name.
        package var metricName: String
        /// All of its dimensions.
        package var dimensions: [Dimension]
    }

    /// What GetMetricData answers.
    package struct GetOutput: Decodable, Sendable {
        /// The series, or parts of them.
        package var metricDataResults: [MetricResult]?
        /// Where the next page begins; nil on the last.
        package var nextToken: String?

        /// The only page of an answer.
        package init(metricDataResults: [MetricResult]) {
            self.metricDataResults = metricDataResults
        }
    }

    /// A series, or a part of it.
    package struct MetricResult: Decodable, Sendable {
        /// The query's id.
        package var id: String?
        /// The beginnings of its periods.
        package var timestamps: [Instant]?
        /// The values, one for each.
        package var values: [Double]?
        /// `Complete`, `PartialData` or another word of AWS's.
        package var statusCode: String?

        /// The series of a query.
        package init(id: String, timestamps: [Instant], values: [Double], statusCode: String) {
            self.id = id
            self.timestamps = timestamps
            self.values = values
            self.statusCode = statusCode
        }
    }

    /// What an operation answers that has nothing to say.
    struct Nothing: Decodable, Sendable {}
}
