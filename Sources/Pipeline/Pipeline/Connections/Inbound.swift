package import Addresses
import HTTPMessages
public import NIOCore
import Synchronization

/// A byte connection that somebody opened to us. Confined to its channel's loop.
public final class Inbound {
    /// The connection's channel. Stages add their handlers to its pipeline.
    public let channel: any Channel
    /// No other connection of this process has it, before or after.
    let number: UInt64
    private static let numbers = Atomic<UInt64>(0)
    /// Where in a number it says which client's the connection is. It is what the other end of a tunnel knows the connection by.
    static let groupShift: UInt64 = 40
    /// Where it came from, for logs: an address and port, or `unix`; `unknown` where the client had gone before it could be asked. Made
    /// a text where one is wanted.
    public private(set) lazy var remote =
        address?.shortDescription ?? (channel.localAddress?.ipAddress == nil ? "unix" : "unknown")
    private let address: SocketAddress?
    /// Its address, for conditions on networks; nil for a Unix socket.
    package private(set) lazy var ipAddress = (address ?? Self.address(in: remote)).flatMap { IPAddress($0) }
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

    /// A connection whose client is named by a text, where no socket says it: an event of Lambda, a rehearsal.
    public init(channel: any Channel, remote: String) {
        self.channel = channel
        self.address = nil
        self.number = Self.number(of: ClientNetwork(Self.address(in: remote)))
        self.remote = remote
    }

    /// A connection that came from an address, or by a Unix socket.
    package init(channel: any Channel, address: SocketAddress?) {
        self.channel = channel
        self.address = address
        self.number = Self.number(of: ClientNetwork(address))
    }

    /// One that no other connection gets, whose upper part is the same for all of one client.
    private static func number(of network: ClientNetwork) -> UInt64 {
        let count = numbers.add(1, ordering: .relaxed).newValue
        return UInt64(truncatingIfNeeded: network.hashValue) << groupShift | count & (1 << groupShift - 1)
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
