public import NIOCore
import Synchronization

/// A byte connection that somebody opened to us. Confined to its channel's loop.
public final class Inbound: Medium {
    public typealias Port = any InboundPort
    public static var kind: MediumKind { .inbound }

    public let channel: any Channel
    /// No other connection of this process has it, before or after.
    let number = Inbound.numbers.add(1, ordering: .relaxed).newValue
    private static let numbers = Atomic<UInt64>(0)
    /// Where it came from, for logs: an address and port, or `unix`. Made a text where one is wanted.
    public private(set) lazy var remote = address?.shortDescription ?? "unix"
    private let address: SocketAddress?
    /// What of its address stands for one client.
    package private(set) lazy var network = ClientNetwork(address ?? Self.address(in: remote))
    /// Who accepted the connection, as long as it is a stranger's.
    package var keeper: (any InboundKeeper)?
    /// Exchanges of this connection that are open.
    package internal(set) var openExchanges = 0
    /// Whether somebody has chosen how TCP finds its rate; else a stage that knows how it is used may.
    package var hasCongestionControl = false
    /// Whether the handler that speaks with the client notes by itself that something has passed. A handler in front of it that does
    /// nothing else would be a stop on the way of each read and each write.
    package var notesActivity = false
    /// Something has passed since somebody last asked.
    package var isActive = false
    /// Since when nothing is open on it, where somebody who speaks with the client says so: it may be closed if its descriptor is needed.
    package var unusedSince: NIODeadline?
    /// Who it is, once a stage has found out.
    public var identity: PeerIdentity?
    /// The protocol that both sides agreed on in their TLS handshake (ALPN, RFC 7301).
    public var negotiatedProtocol: String?

    public init(channel: any Channel, remote: String) {
        self.channel = channel
        self.address = nil
        self.remote = remote
    }

    /// A connection that came from an address, or by a Unix socket.
    package init(channel: any Channel, address: SocketAddress?) {
        self.channel = channel
        self.address = address
    }

    public static func metered(_ port: any InboundPort, on shard: Shard, at place: StagePlace) -> any InboundPort {
        InboundEdge(port, on: shard, at: place)
    }

    /// Who it is, in logs: the identity's shortest name, or `-`.
    public var clientName: String { identity?.description ?? "-" }

    /// It is known that the connection is somebody's. Until then it is a stranger's, and whoever accepted it may close it for another that
    /// waits. To be called by a stage whose port says `admits`, on the connection's loop, any number of times.
    public func admit() {
        guard let keeper else { return }
        self.keeper = nil
        keeper.admitted()
    }

    private static func address(in remote: String) -> SocketAddress? {
        Authority(remote).flatMap { try? SocketAddress(ipAddress: $0.host, port: 0) }
    }
}

@available(*, unavailable)
extension Inbound: Sendable {}

/// Who accepted a connection, and wants to know when it is somebody's. Confined to the connection's loop.
package protocol InboundKeeper: AnyObject {
    /// Told once.
    func admitted()
}

/// What a stage that takes connections offers to the stage before it.
public protocol InboundPort: AnyObject {
    /// The protocols that this stage speaks, as ALPN calls them, the one it likes best first. The stage that makes TLS offers
    /// them, and finds them when it is assembled. None where protocols have no such name; a stage that hands connections on says
    /// what the stage after it says, or the connection loses what was to be negotiated.
    var protocols: [String] { get }
    /// Whether this stage, or one behind it, calls `Inbound.admit` for each connection once it is known that it is somebody's: when the
    /// peer is verified, when there is a request. Where nobody does, which is the default, a connection counts as somebody's at once.
    var admits: Bool { get }
    /// Adds this stage's handlers to a connection's channel, before its first byte is read, and passes it on. On its loop.
    func accept(_ connection: Inbound) throws
}

extension InboundPort {
    public var admits: Bool { false }
}

/// Fired through a connection's pipeline when its host drains: finish what is open, take nothing new, then close.
public struct DrainEvent: Sendable {
    public init() {}
}

/// A byte connection that we open to somebody. Confined to its channel's loop.
public final class Outbound: Medium {
    public typealias Port = any OutboundPort
    public static var kind: MediumKind { .outbound }

    public let channel: any Channel
    /// The name that was dialled, without port.
    public let host: String
    /// Whether somebody has chosen how TCP finds its rate; else a stage that knows how it is used may.
    package var hasCongestionControl = false
    public var identity: PeerIdentity?
    /// Whether it was opened beside another one, which was full.
    package var isExtra = false
    /// Told once, when the connection works as far as its user can say; until then a loss counts as a failed dial.
    public var onEstablished: (() -> Void)?
    /// Told once, when nothing new will go over the connection although it is still open.
    public var onRetired: (() -> Void)?
    /// Why the connection is of no use, told before it is closed.
    public var failure: (any Error)?

    public init(channel: any Channel, host: String) {
        self.channel = channel
        self.host = host
    }

    /// To be called by whoever reads from the connection, once bytes can be exchanged over it.
    public func established() {
        onEstablished?()
        onEstablished = nil
    }

    /// Nothing new goes over the connection: it may be replaced before it ends.
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

/// What a stage that takes outgoing connections offers to the stage before it.
public protocol OutboundPort: AnyObject {
    /// Makes `client` the user of every connection that this port opens on its loop, one at a time, for as long as it runs.
    func attach(_ client: any OutboundClient)
    var status: OutboundStatus { get }
    /// How long an exchange may wait for a connection. Zero while none can come in that time.
    var patience: TimeAmount { get }
    /// Those that are open are full: another one is opened beside them if it can be had. To be called again for each that is wanted; it is
    /// its user who closes it when nobody needs it any more.
    func openAnother()
}

extension OutboundPort {
    public func openAnother() {}
}

/// The user of outgoing connections.
public protocol OutboundClient: AnyObject {
    /// The protocols, as ALPN calls them, of which the other side has to take one; none where that is not asked. A stage
    /// in between says what its own client says.
    var protocols: [String] { get }
    /// Adds handlers to a new connection's channel, before it is connected.
    func configure(_ connection: Outbound) throws
    /// Bytes can be sent.
    func ready(_ connection: Outbound)
    /// The connection has ended, or could not be opened. Another attempt follows by itself; `OutboundPort.patience` says whether it is
    /// worth waiting for.
    func lost(_ connection: Outbound?, because error: (any Error)?)
    /// Another connection, which couldn't be opened when it was wanted, may be had now.
    func roomFreed()
}

extension OutboundClient {
    public func roomFreed() {}
}

/// Whether connections can be had at the moment, and why not.
public enum OutboundStatus: Sendable {
    case up
    /// `since` in seconds of the Unix epoch.
    case down(since: Int, to: String, because: String)
}

/// Who a peer proved to be with its certificate.
public struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// The distinguished name, RFC 4514.
    public var subject: String
    public var commonName: String?
    public var dnsNames: [String]
    public var uris: [String]
    /// SHA-256 of the SubjectPublicKeyInfo, in lowercase hexadecimal digits.
    public var publicKeyHash: String

    public init(subject: String, commonName: String?, dnsNames: [String], uris: [String], publicKeyHash: String) {
        self.subject = subject
        self.commonName = commonName
        self.dnsNames = dnsNames
        self.uris = uris
        self.publicKeyHash = publicKeyHash
    }

    /// The shortest name that a person would recognise.
    public var description: String { commonName ?? dnsNames.first ?? uris.first ?? subject }
}
