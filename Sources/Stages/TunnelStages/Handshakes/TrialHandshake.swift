import NIOCore
import NIOEmbedded
import NIOSSL
import NIOTLS
import Pipeline

/// A handshake in memory, in which a certificate is shown to a peer that trusts its authority: what the TLS library doesn't take, it says
/// when the program starts and not when the first peer calls.
enum TrialHandshake {
    /// Why no peer takes what one side shows, for the end of a sentence; nil if it does.
    static func refusal(of credentials: TLSCredentials, in role: TLSCredentials.Role) -> String? {
        do {
            return try refusal(
                own: side(role, of: credentials, verifies: false), ofServer: role == .server,
                peer: side(role == .server ? .client : .server, of: credentials, verifies: true))
        } catch {
            return "the TLS library doesn't take it" + (TLSFailure(error).flatMap(\.libraryName).map { " (\($0))" } ?? "")
        }
    }

    private static func side(
        _ role: TLSCredentials.Role, of credentials: TLSCredentials, verifies: Bool
    ) throws -> NIOSSLContext {
        var configuration = credentials.configuration(for: role)
        if !verifies { configuration.certificateVerification = .none }
        return try NIOSSLContext(configuration: configuration)
    }

    private static func refusal(own: NIOSSLContext, ofServer: Bool, peer: NIOSSLContext) throws -> String? {
        let loop = EmbeddedEventLoop()
        let (shown, seen) = (Witness(), Witness())
        let server = EmbeddedChannel(
            handlers: [NIOSSLServerHandler(context: ofServer ? own : peer), ofServer ? shown : seen], loop: loop)
        let client = EmbeddedChannel(
            handlers: [try NIOSSLClientHandler(context: ofServer ? peer : own, serverHostname: nil), ofServer ? seen : shown],
            loop: loop)
        defer {
            for end in [server, client] { end.close(promise: nil) }
            // Past the time that each end gives the other for its farewell.
            loop.advanceTime(by: .minutes(1))
        }
        for end in [server, client] { end.connect(to: try SocketAddress(unixDomainSocketPath: "/"), promise: nil) }
        var isMoving = true
        while isMoving {
            isMoving = false
            loop.run()
            for (from, to) in [(server, client), (client, server)] {
                while let bytes = try from.readOutbound(as: ByteBuffer.self) {
                    isMoving = true
                    to.pipeline.fireChannelRead(bytes)
                    to.pipeline.fireChannelReadComplete()
                }
            }
        }
        guard shown.failure == nil, seen.failure == nil, shown.isDone, seen.isDone else {
            return reason(shown.failure ?? seen.failure ?? .other(""))
        }
        return nil
    }

    /// The peer's alert, or what went wrong at it.
    private static func reason(_ failure: TLSFailure) -> String {
        switch failure {
        case .alert(42...44), .alert(46...49), .untrustedCertificate:
            "the TLS library doesn't verify it; look at the key usage, the names that its authorities may issue for, the length of their "
                + "path, and the signatures, of this certificate and of each between it and the authority"
        case .alert(45): "it has expired, or isn't valid yet, or one of its authorities"
        case .alert(40), .alert(51): "the TLS library knows no signature for its key; make one with 'fluidity cert issue'"
        default:
            "the TLS library doesn't take it" + (failure.libraryName.map { " (\($0))" } ?? "")
        }
    }
}

/// Sees how a handshake ends.
private final class Witness: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private(set) var isDone = false
    private(set) var failure: TLSFailure?

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { isDone = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? TLSFailure(error) ?? .other("")
    }
}

@available(*, unavailable)
extension Witness: Sendable {}
