import Instruments
import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Pipeline

/// Stands behind the TLS handler and holds back `channelActive` until the peer's certificate, whose chain the library has
/// verified, is read and approved. Handlers behind it see a connection that is active and whose peer is known, or none.
final class PeerVerificationHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer

    /// Looks at who the peer is, which isn't nil where it has to show a certificate, and at the protocol that was agreed on.
    typealias Approval = (PeerIdentity?, _ negotiatedProtocol: String?) throws(StageError) -> Void

    private static let ended = StageError(.unavailable, "the connection ended during the TLS handshake")
    /// How long a handshake may take.
    private static let patience = TimeAmount.seconds(10)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    var onFailure: ((any Error) -> Void)?
    /// What sees the client's bytes first.
    var hello: ClientHelloHandler?
    /// A connection may have several: TLS within TLS.
    private let tls: NIOSSLHandler
    private let parties: TLSParties
    private let shard: Shard
    private let role: TLSCredentials.Role
    private let peer: String
    private let identity: TLSIdentity
    private let protocols: [String]
    private let meter: HandshakeMeter
    private let approve: Approval
    private var context: ChannelHandlerContext?
    private var isApproved = false
    private var isReported = false
    /// The two sides don't go together: one of them refuses what the other shows of itself, or speaks something else.
    private(set) var isMismatch = false

    /// - Parameters:
    ///   - tls: The handler right before it.
    ///   - role: This side's.
    ///   - peer: Where the peer is: an address for logs, or the name that was dialled.
    ///   - identity: What this side shows, and whom it trusts.
    ///   - protocols: What is spoken here, as ALPN calls it.
    init(
        of tls: NIOSSLHandler, _ parties: TLSParties, shard: Shard, role: TLSCredentials.Role, peer: String, identity: TLSIdentity,
        protocols: [String], meter: HandshakeMeter, approve: @escaping Approval
    ) {
        self.tls = tls
        self.parties = parties
        self.identity = identity
        self.protocols = protocols
        self.meter = meter
        self.role = role
        self.shard = shard
        self.peer = peer
        self.approve = approve
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        shard.deadlines.remove(self)
    }

    // What has to be there before has deadlines of its own: a connection, a proxy that opens the way, a WebSocket around this.
    func channelActive(context: ChannelHandlerContext) { begin() }

    private func begin() {
        guard !isApproved else { return }
        deadline = .now() + Self.patience
        shard.deadlines.add(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        shard.deadlines.remove(self)
        if !isApproved { report(Self.ended) }
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let negotiatedProtocol) = event, !isApproved else {
            return context.fireUserInboundEventTriggered(event)
        }
        do throws(StageError) {
            let identity = try peerIdentity()
            try approve(identity, negotiatedProtocol)
            if let identity {
                shard.telemetry.audit?.record(
                    .certificateAccepted, [.remote: peer, .client: identity.description, .key: identity.publicKeyHash])
            }
        } catch {
            return refuse(error, context)
        }
        isApproved = true
        meter.verified.add()
        deadline = nil
        shard.deadlines.remove(self)
        context.fireChannelActive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isApproved else {
            // In TLS 1.3 a server looks at the client's certificate when the client has long begun to speak.
            if let failure = TLSFailure(error), failure.isRefusal { onFailure?(explain(failure)) }
            return context.fireErrorCaught(error)
        }
        if let refusal = error as? ClientHelloHandler.Refusal { return report(refusal.reason) }
        guard let failure = TLSFailure(error) else {
            return refuse(StageError(.unavailable, "in the TLS handshake, \(ConnectionFailure.words(for: error))"), context)
        }
        refuse(failure == .ended ? Self.ended : explain(failure), context)
    }

    func expire(now: NIODeadline) {
        if let context { refuse(StageError(.unavailable, "the TLS handshake took too long"), context) }
    }

    private var peerNoun: String { role == .client ? "the server" : "the client" }

    private func peerIdentity() throws(StageError) -> PeerIdentity? {
        guard let certificate = tls.peerCertificate else {
            guard parties == .ordinary, role == .server else { throw explain(.noCertificate) }
            return nil
        }
        guard let identity = try? PeerIdentity(certificate) else {
            throw StageError(.unavailable, "the certificate of \(peerNoun) can't be understood")
        }
        return identity
    }

    private func explain(_ failure: TLSFailure) -> StageError {
        isMismatch = failure.isMismatch
        return HandshakeProblem(
            failure: failure, parties: parties, peer: role == .client ? .server : .client, host: role == .client ? peer : nil,
            certificate: tls.peerCertificate, authorities: identity.authorities, protocols: protocols
        ).error
    }

    private func refuse(_ reason: StageError, _ context: ChannelHandlerContext) {
        report(reason)
        context.close(promise: nil)
    }

    private func report(_ reason: StageError) {
        guard !isReported else { return }
        isReported = true
        meter.refused.add()
        // Who only looks whether the port is open has shown nothing.
        if hello?.isUntouched != true {
            shard.telemetry.audit?.record(.certificateRefused, [.remote: peer, .reason: reason.message])
        }
        onFailure?(reason)
        guard onFailure == nil else { return }
        // Strangers knock on every open port: worth a line for who looks, not a warning. Who only looks whether it is open says nothing.
        let level: Logger.Level = hello?.isUntouched == true ? .debug : .info
        shard.logger.log(level: level, "peer refused", metadata: ["remote": "\(peer)", "reason": "\(reason)"])
    }
}

@available(*, unavailable)
extension PeerVerificationHandler: Sendable {}
