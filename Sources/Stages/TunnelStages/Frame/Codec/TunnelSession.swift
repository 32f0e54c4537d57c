import NIOCore
import Pipeline

/// The other end of a session, by the connection that it came by first.
enum SessionPeer {
    /// An agent that connected.
    case agent(Inbound)
    /// A server that was dialled.
    case server(Outbound)

    /// Where it is, for logs and sentences.
    var remote: String {
        switch self {
        case .agent(let connection): connection.remote
        case .server(let connection): connection.host
        }
    }

    var identity: PeerIdentity? {
        switch self {
        case .agent(let connection): connection.identity
        case .server(let connection): connection.identity
        }
    }

    var channel: any Channel {
        switch self {
        case .agent(let connection): connection.channel
        case .server(let connection): connection.channel
        }
    }

    var isAgent: Bool { if case .agent = self { true } else { false } }
}

/// A session of one of the codecs, for whoever looks at the running program.
protocol TunnelSession: LiveSession {
    var peer: SessionPeer { get }
    var codec: FrameCodec { get }
    var openStreams: Int { get }
    /// The connection that it has now; nil while it has none, or one of another loop.
    var transport: (any Channel)? { get }
}

extension TunnelSession {
    var transport: (any Channel)? { peer.channel }

    /// As when the program drains, for this one alone.
    func leave() { transport?.pipeline.fireUserInboundEventTriggered(DrainEvent()) }

    var view: SessionView {
        SessionView(
            side: peer.isAgent ? .accepted : .opened, codec: codec.rawValue, peer: peer.identity?.description ?? "-",
            remote: peer.remote, certificateEnd: peer.identity?.certificateEnd, streams: openStreams,
            traffic: transport.flatMap { TCPStatistics(of: $0) }.map(\.traffic))
    }
}

extension TCPStatistics {
    /// What of it is shown.
    var traffic: SessionView.Traffic {
        .init(
            roundTrip: Int64(roundTrip), received: Int64(clamping: bytesReceived), sent: Int64(clamping: bytesAcknowledged))
    }
}
