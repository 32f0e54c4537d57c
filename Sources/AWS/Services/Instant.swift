/// A point in time, in seconds of the Unix epoch: a number or a text in AWS's answers.
package struct Instant: Sendable, Hashable, Comparable, Decodable {
    /// Seconds of the Unix epoch.
    package var seconds: Double

    /// A point so many seconds after the Unix epoch.
    package init(_ seconds: Double) {
        self.seconds = seconds
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            seconds = number
        } else if let time = AWSTime.parse(try container.decode(String.self)) {
            seconds = time
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no point in time")
        }
    }

    package static func < (left: Instant, right: Instant) -> Bool { left.seconds < right.seconds }
}
