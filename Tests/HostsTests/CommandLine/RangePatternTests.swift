import Pipeline
import Testing

@testable import CommandLineInterface

@Suite struct RangePatternTests {
    private static let ranges: [ClosedRange<Int64>] = [
        0...0, 0...9, 1...10, 5...5, 7...123, 99...101, 100...1_000, 1...65_535, 16...1_024, 999...1_001, 10...99, 0...1_234,
    ]

    @Test(arguments: ranges)
    func `Whole numbers are matched if they are in the range`(range: ClosedRange<Int64>) throws {
        let pattern = try Regex(#require(RangePattern.whole(range)))
        let near = (range.lowerBound - 30)...(range.lowerBound + 120)
        for number in [near, (range.upperBound - 120)...(range.upperBound + 120), 0...130].joined() where number >= 0 {
            #expect("\(number)".contains(pattern) == range.contains(number), "\(number) in \(range)")
            #expect("00\(number)".contains(pattern) == range.contains(number), "00\(number) in \(range)")
        }
        for text in ["", "-1", "a", "1.0", "_", "1_", "+1", "1 "] { #expect(!text.contains(pattern), "'\(text)'") }
    }

    @Test func `Underscores`() throws {
        let pattern = try Regex(#require(RangePattern.whole(1...10_000)))
        for (text, isIn) in [("1_000", true), ("10_000", true), ("10_001", false), ("1__0", true), ("_1", false), ("1_", false)] {
            #expect(text.contains(pattern) == isIn, "\(text)")
        }
    }

    /// Every duration and size that is refused for its range is refused by the pattern too, but for fractions at its ends.
    @Test(
        arguments: [
            (100, 7_200_000), (0, 86_400_000), (10, 60_000), (1, 1), (1_000, 3_600_000), (1_500, 90_000),
        ] as [(Int64, Int64)])
    func `Durations`(least: Int64, greatest: Int64) throws {
        let units: [(String, Int64)] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)]
        let pattern = try Regex(#require(RangePattern.measured(least...greatest, units: units.map { (pattern: $0.0, size: $0.1) })))
        for (unit, size) in units {
            for count in [0, 1, 2, 9, 10, 11, 59, 60, 61, 99, 100, 101, 119, 120, 121, 999, 1_000, 7_200, 86_400] as [Int64] {
                let isIn = (least...greatest).contains(count * size)
                #expect("\(count)\(unit)".contains(pattern) == isIn, "\(count)\(unit)")
                if isIn { #expect("\(count).0 \(unit)".contains(pattern), "\(count).0 \(unit)") }
                let half = count * size + size / 2
                if size > 1, (least...greatest).contains(half) {
                    #expect("\(count).5\(unit)".contains(pattern), "\(count).5\(unit)")
                }
            }
        }
        for text in ["", "5", "5q", "-1s", "s", "1.2345s"] { #expect(!text.contains(pattern), "\(text)") }
    }

    @Test func `Numbers as large as there are`() throws {
        let pattern = try Regex(#require(RangePattern.whole(1...(.max - 1))))
        #expect("9223372036854775806".contains(pattern) && !"9223372036854775807".contains(pattern) && !"0".contains(pattern))
    }
}
