/// Tells an exchange from every other in the logs of one host.
public struct ExchangeID: Sendable, Hashable, CustomStringConvertible {
    /// 24 random bits for the process, 8 for the loop, and 32 that count.
    public let rawValue: UInt64

    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
