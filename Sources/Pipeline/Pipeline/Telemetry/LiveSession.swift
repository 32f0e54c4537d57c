/// A connection between an agent and a server, at work: what whoever looks at the running program is shown of it, and can do with it.
/// Confined to its loop.
package protocol LiveSession: AnyObject {
    /// How it is now.
    var view: SessionView { get }
    /// Takes no more streams, and ends when those that are open have ended.
    func leave()
}

/// What is shown of a session.
package struct SessionView: Sendable, Equatable {
    /// Which end of it this program is.
    package enum Side: String, Sendable {
        /// The agent's: it opened the connection.
        case opened
        /// The server's.
        case accepted
    }

    /// What a kernel knows of a connection.
    package struct Traffic: Sendable, Equatable {
        /// Smoothed round trip, in microseconds.
        package var roundTrip: Int64
        /// Bytes that came over the connection, TLS included.
        package var received: Int64
        /// Bytes that the other end has acknowledged, TLS included.
        package var sent: Int64

        /// What was counted since the connection began.
        package init(roundTrip: Int64, received: Int64, sent: Int64) {
            self.roundTrip = roundTrip
            self.received = received
            self.sent = sent
        }
    }

    /// Tells it from the others of the process. Given by the `SessionBook`.
    package internal(set) var number: UInt64 = 0
    /// When it was established, in seconds of the Unix epoch. Given by the `SessionBook`.
    package internal(set) var since = 0
    /// Which end this is.
    package var side: Side
    /// The protocol that carries exchanges.
    package var codec: String
    /// Who the other end is by its certificate; `-` where it has none.
    package var peer: String
    /// Where the other end is: its address and port, or the name that was dialled.
    package var remote: String
    /// When the other end's certificate ends, in seconds of the Unix epoch; nil where it has none.
    package var certificateEnd: Int?
    /// Exchanges that it carries.
    package var streams: Int
    /// What was counted of its connection; nil while it has none, and where the kernel doesn't say.
    package var traffic: Traffic?

    /// A session as its codec knows it.
    package init(side: Side, codec: String, peer: String, remote: String, certificateEnd: Int?, streams: Int, traffic: Traffic?) {
        self.side = side
        self.codec = codec
        self.peer = peer
        self.remote = remote
        self.certificateEnd = certificateEnd
        self.streams = streams
        self.traffic = traffic
    }
}
