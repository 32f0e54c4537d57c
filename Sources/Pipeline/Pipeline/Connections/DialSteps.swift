package import ConfigurationLanguage
package import NIOCore

/// How a port last came by its connection, or tried to: for the traces of exchanges that waited for it. A value of bounded size.
public struct DialSteps: Sendable {
    /// One of the things that were waited for.
    package struct Part: Sendable, Equatable {
        /// What it was.
        package enum Kind: Sendable {
            /// The addresses of the server's name, or of the proxy's on the way to it.
            case resolve
            /// A connection to one of them; behind a proxy, one that it has opened.
            case dial
            /// The TLS handshake with the server.
            case handshake
        }

        /// Which.
        package var kind: Kind
        /// When it began.
        package var began: NIODeadline
        /// When it ended; nil while it lasts.
        package var ended: NIODeadline?
        /// Why it came to nothing; nil where it didn't.
        package var problem: String?
    }

    /// More aren't kept: the last ones count.
    static let limit = 9

    /// The server; nil where nothing was dialled.
    package var place: HostPort?
    /// In the order in which they began.
    package private(set) var steps: [Part] = []

    /// Of a port that has dialled nothing.
    public init() {}

    /// Something is waited for from now on.
    package mutating func begin(_ kind: Part.Kind) {
        end(kind, "it was tried again")
        if steps.count >= Self.limit { steps.removeFirst() }
        steps.append(Part(kind: kind, began: .now()))
    }

    /// It is waited for no longer. Ignored if it wasn't.
    package mutating func end(_ kind: Part.Kind, _ problem: String? = nil, at now: NIODeadline = .now()) {
        guard let index = steps.lastIndex(where: { $0.kind == kind && $0.ended == nil }) else { return }
        steps[index].ended = now
        steps[index].problem = problem
    }
}
