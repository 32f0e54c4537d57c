import Pipeline

/// Regular expressions for what is written of a range: whole numbers, durations, sizes. JSON Schema compares numbers alone, and most of
/// what has a range here is a text with a unit.
package enum RangePattern {
    /// Whole numbers in digits, with zeros before them and underscores between them.
    package static func whole(_ range: ClosedRange<Int64>) -> String? {
        guard range.lowerBound >= 0 else { return nil }
        return "^(0_*)*\(alternatives(digits(range, between: "_*")))$"
    }

    /// Numbers with one of the units, of each as many as are in a range of the smallest one. Of a fraction as much is said as can be: one
    /// at an end of the range that isn't a whole number of the unit may be beyond it.
    ///
    /// - Parameter units: The pattern of each, and how many of the smallest it is.
    package static func measured(
        _ range: ClosedRange<Int64>, units: [(pattern: String, size: Int64)]
    ) -> String? {
        guard range.lowerBound >= 0 else { return nil }
        let all = units.flatMap { unit, size -> [String] in
            let (least, greatest) = (range.lowerBound / size, range.upperBound / size)
            let isWhole = (least: range.lowerBound % size == 0, greatest: range.upperBound % size == 0)
            var found: [String] = []
            let first = isWhole.least ? least : least + 1
            if first <= greatest { found.append("0*\(alternatives(digits(first...greatest)))(\\.0{1,3})? ?\(unit)") }
            let last = isWhole.greatest ? greatest - 1 : greatest
            if size > 1, least <= last { found.append("0*\(alternatives(digits(least...last)))\\.[0-9]{1,3} ?\(unit)") }
            return found
        }
        return all.isEmpty ? nil : "^\(alternatives(all))$"
    }

    private static func alternatives(_ patterns: [String]) -> String {
        patterns.count == 1 ? patterns[0] : "(\(patterns.joined(separator: "|")))"
    }

    /// A pattern for each block of numbers that differ only in their last digits.
    private static func digits(_ range: ClosedRange<Int64>, between: String = "") -> [String] {
        var stops: Set<Int64> = [range.upperBound]
        var power: Int64 = 10
        while power <= range.upperBound {
            let nines = range.lowerBound / power * power + (power - 1)
            if range.contains(nines) { stops.insert(nines) }
            let zeros = (range.upperBound + 1) / power * power - 1
            if range.contains(zeros) { stops.insert(zeros) }
            // Beyond this nothing more can be said.
            guard power <= Int64.max / 10 else { break }
            power *= 10
        }
        var start = range.lowerBound
        return stops.sorted().map { stop in
            defer { start = stop + 1 }
            return block(start, stop, between)
        }
    }

    private static func block(_ start: Int64, _ stop: Int64, _ between: String) -> String {
        // Of numbers with fewer digits the first ones are zeros, which are written or not.
        let high = Array(String(stop))
        let low = Array(String(repeating: "0", count: max(0, high.count - String(start).count)) + String(start))
        return zip(low, high).map { low, high in low == high ? "\(low)" : "[\(low)-\(high)]" }.joined(separator: between)
    }
}

extension SchemaDescription {
    /// What a value with a unit looks like if it is in its range; nil where the key has no range, or no unit.
    var rangePattern: String? {
        guard bounds.least != nil || bounds.greatest != nil else { return nil }
        switch type {
        case Duration.typeDescription:
            func milliseconds(_ text: String) -> Int64? {
                (try? Duration(configured: text)).map {
                    $0.components.seconds * 1_000 + $0.components.attoseconds / 1_000_000_000_000_000
                }
            }
            guard let range = range(reading: milliseconds) else { return nil }
            return RangePattern.measured(
                range, units: [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)])
        case ByteCount.typeDescription:
            guard let range = range(reading: { (try? ByteCount(configured: $0)).map { Int64($0.bytes) } }) else { return nil }
            return RangePattern.measured(
                range,
                units: [
                    ("B?", 1), ("kB", 1_000), ("KiB", 1 << 10), ("MB", 1_000_000), ("MiB", 1 << 20), ("GB", 1_000_000_000),
                    ("GiB", 1 << 30), ("TB", 1_000_000_000_000), ("TiB", 1 << 40),
                ])
        default: return nil
        }
    }

    /// The range as numbers. One without an end has the greatest there is.
    func range(reading: (String) -> Int64?) -> ClosedRange<Int64>? {
        let least = bounds.least.map(reading) ?? 0
        let greatest = bounds.greatest.map(reading) ?? .max - 1
        guard let least, let greatest, least <= greatest else { return nil }
        return least...greatest
    }
}
