import Pipeline

/// What stands behind the question mark.
struct AdminQuery: Equatable {
    /// Exchanges that are listed at most.
    static let limits = 1...10_000

    /// How many exchanges are listed.
    var limit = 1_000
    /// What has to stand in the target, the client or its address.
    var search: String?

    init() {}

    init(_ text: Substring) throws(AdminQuestion.Problem) {
        for (name, value) in try Self.members(text) {
            switch name {
            case "limit":
                guard let limit = Int(value), Self.limits.contains(limit) else {
                    throw .query("'limit' wants a number from \(Self.limits.lowerBound) to \(Self.limits.upperBound)")
                }
                self.limit = limit
            case "search": search = value.isEmpty ? nil : value
            default: throw .query("there are 'limit' and 'search', not '\(name)'")
            }
        }
    }

    /// The names and values of a query (HTML, application/x-www-form-urlencoded).
    static func members(_ text: Substring) throws(AdminQuestion.Problem) -> [(name: Substring, value: String)] {
        var members: [(name: Substring, value: String)] = []
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = decoded(parts[1]) else { throw .query("'\(pair)' is no name and value") }
            members.append((parts[0], value))
        }
        return members
    }

    /// A text in which bytes are written as `%20` and blanks as `+`.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let digits = String(rest.prefix(2)), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// What the loops are asked.
    var exchanges: ExchangeQuery { ExchangeQuery(limit: limit, text: search) }
}
