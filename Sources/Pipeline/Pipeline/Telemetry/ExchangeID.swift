/// Tells an exchange from every other in the logs of one host.
public struct ExchangeID: Sendable, Hashable, CustomStringConvertible {
    /// 24 random bits for the process, 8 for the loop, and 32 that count.
    public let rawValue: UInt64

    /// An exchange by its 16 hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == 16, text.allSatisfy(\.isHexDigit), let value = UInt64(text, radix: 16) else { return nil }
        rawValue = value
    }

    /// An exchange by its number.
    init(rawValue: UInt64) { self.rawValue = rawValue }

    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
