import Pipeline

/// Which of its clients' connections the other end of a tunnel means, as the field `fluidity-client` says it. Without the field the
/// client itself is at the other end.
package enum H2ClientName: Sendable, Equatable {
    /// In hexadecimal digits.
    case name(UInt64)
    /// That end can't tell its clients apart: `-`, or anything else.
    case unknown

    init(_ connection: ClientConnection?) {
        self = connection.map { .name($0.name) } ?? .unknown
    }

    init(_ value: String) {
        self = UInt64(value, radix: 16).map { .name($0) } ?? .unknown
    }

    var text: String {
        switch self {
        case .name(let name): String(name, radix: 16)
        case .unknown: "-"
        }
    }

    /// The connection that is meant, which came here by another.
    func connection(by carrier: Inbound) -> ClientConnection? {
        switch self {
        case .name(let name): ClientConnection(carrier, client: name)
        case .unknown: nil
        }
    }
}
