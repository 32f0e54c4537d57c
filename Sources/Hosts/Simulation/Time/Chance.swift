/// Random numbers that are the same for the same seed (SplitMix64). Each part of a model has its own, so that what one part draws more or
/// less doesn't change another's fate.
package struct Chance: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The numbers of a seed, for one part of a model.
    package init(seed: UInt64, part: Part) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ (part.rawValue &+ 1) &* 0xD1B5_4A32_D192_ED03
        _ = next()
    }

    /// The parts that draw for themselves.
    package enum Part: UInt64, Sendable {
        /// Who uses the server, and when.
        case uses
        /// How long tasks take to start, when they crash.
        case tasks
        /// What becomes of reports.
        case metrics
        /// How long calls take, which of them fail.
        case calls
        /// When functions run.
        case functions
    }

    /// The next number, all bits of it.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to 1.
    mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number between two.
    mutating func between(_ least: Double, _ most: Double) -> Double { least + (most - least) * fraction() }

    /// True as often as the probability says.
    mutating func happens(_ probability: Double) -> Bool { probability > 0 && fraction() < probability }

    /// A wait for something that happens once in `mean` on average, at any time alike.
    mutating func wait(mean: Double) -> Double { -mean * Self.logarithm(1 - fraction()) }

    /// The natural logarithm of a number above 0 and at most 1, so that no library's last digit changes a run.
    private static func logarithm(_ number: Double) -> Double {
        let mantissa = number.significand
        // atanh series: ln(m) = 2 (z + z³/3 + z⁵/5 …), z = (m - 1) / (m + 1), at most a third here.
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var term = ratio
        var sum = 0.0
        for divisor in stride(from: 1.0, through: 33, by: 2) {
            sum += term / divisor
            term *= square
        }
        return 2 * sum + Double(number.exponent) * 0.693_147_180_559_945_3
    }
}
