/// Points in time for people.
package enum Timestamp {
    /// Seconds of the Unix epoch as `2026-03-09 17:04:05 UTC`.
    package static func utc(_ epochSeconds: Int) -> String {
        let civil = CivilTime(epochSeconds)
        let two = CivilTime.two
        return
            "\(civil.year)-\(two(civil.month))-\(two(civil.day)) \(two(civil.hour)):\(two(civil.minute)):\(two(civil.second)) UTC"
    }
}
