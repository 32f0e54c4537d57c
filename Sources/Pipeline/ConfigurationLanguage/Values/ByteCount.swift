/// A number of bytes, written `64KiB`, `16MiB`, `1GiB`, `500kB` or as a plain number of bytes.
public struct ByteCount: Sendable, Hashable, Comparable, ScalarConfigurationValue {
    /// The number of bytes.
    public var bytes: Int

    /// A number of bytes.
    public init(_ bytes: Int) {
        self.bytes = bytes
    }

    /// Multiples of 1,024 bytes.
    public static func kibibytes(_ count: Int) -> ByteCount { ByteCount(count << 10) }
    /// Multiples of 1,048,576 bytes.
    public static func mebibytes(_ count: Int) -> ByteCount { ByteCount(count << 20) }
    /// Multiples of 1,073,741,824 bytes.
    public static func gibibytes(_ count: Int) -> ByteCount { ByteCount(count << 30) }

    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    private static let units: [(name: String, bytes: Int64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1),
    ]

    public static var typeDescription: String { "a size such as 64KiB" }

    public init(configured text: String) throws(InvalidValue) {
        guard let parts = NumberWithUnit(text) else { throw InvalidValue() }
        let name = parts.unit.isEmpty ? "B" : parts.unit
        guard let unit = Self.units.first(where: { $0.name == name }) else {
            let meant = Self.units.first { $0.name.lowercased() == name.lowercased() || $0.name.hasPrefix(name.uppercased()) }
            throw InvalidValue(
                "there is no unit '\(name)'",
                hint: meant.map { "did you mean '\($0.name)'?" } ?? "the units are B, kB, KiB, MB, MiB, GB, GiB, TB and TiB"
            )
        }
        guard let bytes = parts.times(unit.bytes), let count = Int(exactly: bytes) else {
            throw InvalidValue("the size is too large")
        }
        if parts.fraction > 0, unit.bytes == 1 { throw InvalidValue("there are only whole bytes") }
        self.bytes = count
    }

    public var printed: String {
        let unit = Self.units.first { bytes != 0 && Int64(bytes) % $0.bytes == 0 && $0.name.hasSuffix("iB") }
        return unit.map { "\(Int64(bytes) / $0.bytes)\($0.name)" } ?? String(bytes)
    }
}
