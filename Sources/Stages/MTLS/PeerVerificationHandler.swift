import Logging
import NIOCore
import NIOSSL
import NIOTLS
import Pipeline

/// Stands behind the TLS handler and holds back `channelActive` until the peer's certificate, whose chain the library has
/// verified, is read and approved. Handlers behind it see a connection that is active and whose peer is known, or none.
final class PeerVerificationHandler: ChannelInboundHandler, RemovableChannelHandler, Expiring {
    typealias InboundIn = ByteBuffer

    /// Looks at who the peer is, and at the protocol that was agreed on.
    typealias Approval = (PeerIdentity, _ negotiatedProtocol: String?) throws(StageError) -> Void

    /// How long a handshake may take.
    private static let patience = TimeAmount.seconds(10)

    private(set) var deadline: NIODeadline?
    var sweepIndex: Int?
    var onFailure: ((any Error) -> Void)?
    private let shard: Shard
    private let peer: String
    private let meter: HandshakeMeter
    private let approve: Approval
    private var context: ChannelHandlerContext?
    private var isApproved = false
    private var isReported = false

    init(shard: Shard, peer: String, meter: HandshakeMeter, approve: @escaping Approval) {
        self.meter = meter
        self.shard = shard
        self.peer = peer
        self.approve = approve
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = .now() + Self.patience
        shard.deadlines.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        shard.deadlines.remove(self)
    }

    func channelActive(context: ChannelHandlerContext) {}

    func channelInactive(context: ChannelHandlerContext) {
        shard.deadlines.remove(self)
        if !isApproved { report("the connection ended during the TLS handshake") }
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let negotiatedProtocol) = event, !isApproved else {
            return context.fireUserInboundEventTriggered(event)
        }
        do {
            let certificate = try context.pipeline.syncOperations.handler(type: NIOSSLHandler.self).peerCertificate
            guard let certificate else { throw StageError(.unavailable, "the peer showed no certificate") }
            try approve(PeerIdentity(certificate), negotiatedProtocol)
        } catch {
            return refuse("\(error)", context)
        }
        isApproved = true
        meter.verified.add()
        deadline = nil
        shard.deadlines.remove(self)
        context.fireChannelActive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isApproved else { return context.fireErrorCaught(error) }
        refuse("the TLS handshake failed: \(error)", context)
    }

    func expire(now: NIODeadline) {
        if let context { refuse("the TLS handshake took too long", context) }
    }

    private func refuse(_ reason: String, _ context: ChannelHandlerContext) {
        report(reason)
        context.close(promise: nil)
    }

    private func report(_ reason: String) {
        guard !isReported else { return }
        isReported = true
        meter.refused.add()
        onFailure?(StageError(.unavailable, reason))
        // Strangers knock on every open port: worth a line for who looks, not a warning.
        if onFailure == nil { shard.logger.info("peer refused", metadata: ["remote": "\(peer)", "reason": "\(reason)"]) }
    }
}

@available(*, unavailable)
extension PeerVerificationHandler: Sendable {}
