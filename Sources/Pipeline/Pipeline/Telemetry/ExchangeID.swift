/// Tells an exchange from every other, in the logs of both ends of a tunnel: the end that its client speaks to makes it, and the other takes it
/// over (`Exchange.init`).
public struct ExchangeID: Sendable, Hashable, CustomStringConvertible {
    /// 32 random bits for the event loop of one process, and 32 that count.
    public let rawValue: UInt64

    /// An id of that number.
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// An id from its digits, as another end writes it in a text: 1 to 16 hexadecimal ones. Nil for anything else.
    package init?(digits: some StringProtocol) {
        guard (1...16).contains(digits.utf8.count), digits.utf8.allSatisfy(Self.isDigit), let number = UInt64(digits, radix: 16)
        else {
            return nil
        }
        rawValue = number
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
    }

    /// The part that is the same for all that one event loop has made.
    package var maker: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }

    /// 16 hexadecimal digits, in small letters.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
