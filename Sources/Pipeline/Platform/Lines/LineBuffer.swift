/// Lines that wait to be written, and the time of day as they have it.
package struct LineBuffer: Sendable {
    /// The bytes of all lines, with their line ends.
    package private(set) var bytes: [UInt8] = []
    private var stampSecond = -1
    private var stamp: [UInt8] = []

    /// A buffer without lines.
    package init() {}

    /// Adds a text as it is, in UTF-8.
    package mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
    /// Adds one byte as it is.
    package mutating func append(_ byte: UInt8) { bytes.append(byte) }

    /// The time as RFC 3339 has it, in UTC, to the millisecond.
    package mutating func appendTime() {
        let now = stampNow()
        bytes.append(contentsOf: stamp)
        bytes.append(UInt8(ascii: "."))
        let milliseconds = now.nanoseconds / 1_000_000
        for digit in [milliseconds / 100, milliseconds / 10 % 10, milliseconds % 10] { bytes.append(0x30 + UInt8(digit)) }
        bytes.append(UInt8(ascii: "Z"))
    }

    /// The time as web servers' logs have it: `10/Oct/2000:13:55:36 +0000`.
    package mutating func appendCommonLogTime() {
        _ = stampNow()
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = Int(stamp[5] - 0x30) * 10 + Int(stamp[6] - 0x30)
        bytes.append(contentsOf: stamp[8..<10])
        append("/\(months[max(0, min(11, month - 1))])/")
        bytes.append(contentsOf: stamp[0..<4])
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: stamp[11..<19])
        append(" +0000")
    }

    /// One JSON object, written in place.
    package mutating func appendObject(_ body: (inout JSONText) -> Void) {
        var json = JSONText()
        json.exchange(&bytes)
        json.object(body)
        json.exchange(&bytes)
    }

    /// Members of an object that is written otherwise.
    package mutating func appendMembers(_ body: (inout JSONText) -> Void) {
        var json = JSONText()
        json.exchange(&bytes)
        body(&json)
        json.exchange(&bytes)
    }

    /// A value in a line for people: as it is where it can be, else as a JSON string.
    package mutating func appendWord(_ text: String) {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x7F }
        if isPlain { append(text) } else { appendMembers { $0.value(text) } }
    }

    /// A text in which nothing ends a line or a quoted string: such bytes, and those beyond ASCII, become `\xHH`.
    package mutating func appendEscaped(_ text: some StringProtocol, isWord: Bool = false) {
        for byte in text.utf8 {
            switch byte {
            case 0x20 where isWord: append("\\x20")
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x20..<0x7F: bytes.append(byte)
            default:
                append("\\x")
                for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
            }
        }
    }

    mutating func truncate(to count: Int) { bytes.removeLast(bytes.count - count) }
    mutating func exchange(_ other: inout [UInt8]) { swap(&bytes, &other) }

    /// Brings the stamp up to date: once in a second it is made anew.
    private mutating func stampNow() -> (seconds: Int, nanoseconds: Int) {
        let now = WallTime.precise
        if now.seconds != stampSecond {
            stampSecond = now.seconds
            stamp = Array(Timestamp.utc(now.seconds).utf8.prefix(19))
            stamp[10] = UInt8(ascii: "T")
        }
        return now
    }
}
