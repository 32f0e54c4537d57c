/// Tells an exchange from every other in the logs of one host.
public struct ExchangeID: Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt64

    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
