import Platform

/// Points in time as AWS writes them, and seconds of the Unix epoch.
package enum AWSTime {
    /// The time in the form that signatures use: `20261123T080000Z`.
    package static func basic(_ epochSeconds: Int) -> String {
        let civil = CivilTime(epochSeconds)
        let two = CivilTime.two
        return "\(four(civil.year))\(two(civil.month))\(two(civil.day))T\(two(civil.hour))\(two(civil.minute))\(two(civil.second))Z"
    }

    /// Seconds of the Unix epoch from `2026-11-23T08:00:00Z`, with any fraction, or an offset such as `+01:00`; nil for anything else.
    package static func parse(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] == 0x54 || bytes[10] == 0x20,
            bytes[13] == 0x3A, bytes[16] == 0x3A,
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19])
        else { return nil }
        var rest = bytes[19...]
        var fraction = 0.0
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            var scale = 0.1
            while let digit = rest.first, (0x30...0x39).contains(digit) {
                fraction += Double(digit - 0x30) * scale
                scale /= 10
                rest = rest.dropFirst()
            }
        }
        guard let offset = offset(rest) else { return nil }
        return CivilTime.epoch(year, month, day, hour, minute, second).map { Double($0 - offset) + fraction }
    }

    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int? {
        if bytes.elementsEqual([0x5A]) { return 0 }
        guard bytes.count == 6, let sign = bytes.first, sign == 0x2B || sign == 0x2D,
            let hours = number(bytes.dropFirst().prefix(2)), let minutes = number(bytes.suffix(2))
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (sign == 0x2B ? 1 : -1)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func four(_ number: Int) -> String { String(repeating: "0", count: max(0, 4 - "\(number)".count)) + "\(number)" }
}
