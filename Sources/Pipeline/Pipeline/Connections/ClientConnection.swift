/// Tells one client's connection from every other, for what belongs to a connection and not to a request: an origin that has
/// authenticated a connection (NTLM and Negotiate, RFC 4559, 6) means the client whose connection led to it, and nobody else.
///
/// Connections get numbers that this process gives once. The other end of a tunnel has one connection for many clients, so it says
/// with each request which of its own it means; the two numbers together tell them apart here.
public struct ClientConnection: Sendable, Hashable {
    /// The connection that came here.
    private let number: UInt64
    /// What the other end of it, which speaks for several clients, calls the client's own connection; nil where the client itself is
    /// at the other end.
    private let inner: UInt64?

    /// A client that has come here itself.
    public init(_ connection: Inbound) {
        number = connection.number
        inner = nil
    }

    /// A client of the program at the other end of a connection.
    /// - Parameter name: What that program calls the client's connection. It never uses a name again for another.
    public init(_ connection: Inbound, client name: UInt64) {
        number = connection.number
        inner = name
    }

    /// Reads a name as it is written in a field or a member: up to 16 hexadecimal digits. Nil for anything else.
    package static func name(_ text: String) -> UInt64? {
        text.utf8.allSatisfy { $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") } ? UInt64(text, radix: 16) : nil
    }

    /// The same for all connections of one client at the other end, as far as that tells; else 0, or any number.
    package var group: UInt64 { inner.map { $0 >> Inbound.groupShift } ?? 0 }

    /// What this program calls the connection in a tunnel of its own. Two connections get the same name with a probability of 2⁻⁶⁴.
    package var name: UInt64 {
        guard inner != nil else { return number }
        return UInt64(truncatingIfNeeded: hashValue)
    }
}
