public import NIOCore

/// A byte connection that we open to somebody. Confined to its channel's loop.
public final class Outbound {
    /// The connection's channel. Stages add their handlers to its pipeline before it is connected.
    public let channel: any Channel
    /// The name that was dialled, without port.
    public let host: String
    /// Whether somebody has chosen how TCP finds its rate; else a stage that knows how it is used may.
    package var hasCongestionControl = false
    /// Who the other end is by its certificate, once a stage has found out; nil without TLS.
    public var identity: PeerIdentity?
    /// The name that its certificate has to have, where the configuration says that for this server alone.
    package var certificateName: String?
    /// Whether it was opened beside another one, which was full.
    package var isExtra = false
    /// Whether a stage encrypts it.
    package var isEncrypted = false
    /// When the other end has proved who it is; nil before that, and where nobody asks.
    package var provedAt: NIODeadline?
    /// Whether it goes where a server has said that it can be reached itself, and not to the usual place.
    package var isDetour = false
    /// Told once, when the connection works as far as its user can say; until then a loss counts as a failed dial.
    public var onEstablished: (() -> Void)?
    /// Told once, when nothing new will go over the connection although it is still open.
    public var onRetired: (() -> Void)?
    /// Why the connection is of no use, told before it is closed.
    public var failure: (any Error)?
    /// Why it is of no use will be so at the next attempt, until somebody changes something at one of the two sides.
    package var isMismatch = false

    /// A connection that is being opened.
    /// - Parameter host: The name that is dialled, without port.
    public init(channel: any Channel, host: String) {
        self.channel = channel
        self.host = host
    }

    /// To be called by whoever reads from the connection, once bytes can be exchanged over it.
    public func established() {
        onEstablished?()
        onEstablished = nil
    }

    /// Nothing new goes over the connection: it may be replaced before it ends. To the one who dialled it is a loss: the next is dialled
    /// behind the back-off, and there is none until then.
    public func retire(because error: any Error) {
        if failure == nil { failure = error }
        onRetired?()
        onRetired = nil
    }

    /// Closes the connection for a reason.
    public func fail(_ error: any Error) {
        if failure == nil { failure = error }
        channel.close(promise: nil)
    }
}

@available(*, unavailable)
extension Outbound: Sendable {}
