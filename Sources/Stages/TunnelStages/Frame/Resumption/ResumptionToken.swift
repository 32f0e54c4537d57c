package import NIOCore

/// What names a session that can be resumed, and shows that whoever names it was given it.
package struct ResumptionToken: Sendable, Equatable {
    /// The bytes that it has on its way.
    package static let length = 24

    /// The session's name: by it, it is found.
    package var session: UInt64
    /// What only the two ends know.
    private var secret: (UInt64, UInt64)

    /// One that nobody has had before.
    package init(session: UInt64? = nil) {
        var generator = SystemRandomNumberGenerator()
        self.session = session ?? generator.next()
        secret = (generator.next(), generator.next())
    }

    /// Reads one; nil where the bytes don't suffice.
    package init?(from buffer: inout ByteBuffer) {
        guard let (session, first, second) = buffer.readMultipleIntegers(as: (UInt64, UInt64, UInt64).self) else { return nil }
        self.session = session
        secret = (first, second)
    }

    /// Writes it as it is on its way.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(session, secret.0, secret.1)
    }

    /// Takes the same time whatever differs.
    package static func == (one: Self, other: Self) -> Bool {
        (one.session ^ other.session) | (one.secret.0 ^ other.secret.0) | (one.secret.1 ^ other.secret.1) == 0
    }
}
