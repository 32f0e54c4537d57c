import ConfigurationLanguage
import Crypto
package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
package import Pipeline
import SwiftASN1
package import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The one who joins: dials the server as an agent does, knows it by its authority's fingerprint, and asks for a certificate.
package struct EnrolClient: Sendable {
    /// What was granted.
    package struct Grant: Sendable {
        /// The certificate, whose key is the one that asked.
        package let certificate: Certificate
        /// The authority that both sides trust from now on.
        package let authority: Certificate
        /// The name by which the server's certificate is known.
        package let serverName: String
    }

    private let line: InvitationLine
    private var configuration: ConnectConfiguration
    private let logger: Logger

    /// - Parameter configuration: The way to the server; where it is the line says.
    package init(_ line: InvitationLine, by configuration: ConnectConfiguration, logger: Logger) {
        self.line = line
        self.configuration = configuration
        self.configuration.to = .fixed(line.server)
        self.logger = logger
    }

    /// Asks once for a certificate. The code is spent when the server has granted it; with the same key it may be asked again, should the
    /// answer not arrive.
    ///
    /// - Parameter time: How long the whole may take.
    package func join(_ key: Certificate.PrivateKey, within time: Duration) async throws(StageError) -> Grant {
        let request: [UInt8]
        do {
            let wanted = try CertificateSigningRequest(
                version: .v1, subject: DistinguishedName { CommonName(line.name) }, privateKey: key, attributes: .init([]),
                signatureAlgorithm: .ecdsaWithSHA256)
            var serializer = DER.Serializer()
            try serializer.serialize(wanted)
            request = serializer.serializedBytes
        } catch {
            throw StageError(.configuration, "a request for a certificate can't be made with this key and the name '\(line.name)'")
        }
        let (answer, authority) = try await ask(EnrolMessage.Request(code: line.code, certificateRequest: request), within: time)
        switch answer {
        case .refused(let reason): throw StageError(.unavailable, "the server refused: \(ForeignText.line(reason, limit: 300))")
        case .granted(let bytes, let serverName):
            guard let certificate = try? Certificate(derEncoded: bytes), certificate.publicKey == key.publicKey,
                authority.publicKey.isValidSignature(certificate.signature, for: certificate), PeerName(serverName) != nil
            else { throw StageError(.unavailable, "what the server sent is no certificate for this machine's key") }
            return Grant(certificate: certificate, authority: authority, serverName: serverName)
        }
    }

    private func ask(
        _ request: EnrolMessage.Request, within time: Duration
    ) async throws(StageError) -> (EnrolMessage.Answer, Certificate) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let stage: ConnectStage
        do {
            stage = ConnectStage(
                configuration: configuration, routes: try configuration.routes(to: line.server, in: .process), presence: nil)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        let promise = loop.makePromise(of: (EnrolMessage.Answer, Certificate).self)
        let (line, logger) = (line, logger)
        let assembled = loop.submit {
            let shard = Shard(loop: loop, group: group, index: 0, logger: logger)
            let attempt = EnrolAttempt(line: line, request: request, promise: promise)
            let port = try stage.assemble((), on: shard)
            port.attach(attempt)
            attempt.port = port
            loop.assumeIsolated().scheduleTask(in: TimeAmount(time)) { attempt.expire() }
        }
        let result: Result<(EnrolMessage.Answer, Certificate), any Error>
        do {
            try await assembled.get()
            try await stage.start()
            result = .success(try await promise.futureResult.get())
        } catch {
            promise.fail(error)
            result = .failure(error)
        }
        await stage.stop()
        try? await group.shutdownGracefully()
        switch result {
        case .success(let answer): return answer
        case .failure(let error):
            throw error as? StageError
                ?? StageError(.unavailable, "\(line.server) can't be reached: \(ConnectionFailure.words(for: error))")
        }
    }
}

/// One attempt to join: the user of the connections that `connect` opens, of which the first that says anything decides.
private final class EnrolAttempt: OutboundClient {
    private let line: InvitationLine
    private let request: EnrolMessage.Request
    private let promise: EventLoopPromise<(EnrolMessage.Answer, Certificate)>
    /// Keeps what dials.
    var port: (any OutboundPort)?
    private var isOver = false

    init(
        line: InvitationLine, request: EnrolMessage.Request, promise: EventLoopPromise<(EnrolMessage.Answer, Certificate)>
    ) {
        self.line = line
        self.request = request
        self.promise = promise
    }

    var protocols: [String] { [EnrolMessage.protocolName] }

    func configure(_ connection: Outbound) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv13
        tls.applicationProtocols = protocols
        // By the fingerprint below: nothing is known of the server beside it.
        tls.certificateVerification = .noHostnameVerification
        let found = FoundAuthority(fingerprint: line.authority)
        let bound = NIOLoopBound(found, eventLoop: connection.channel.eventLoop)
        let handler = try NIOSSLClientHandler(
            context: NIOSSLContext(configuration: tls), serverHostname: nil,
            customVerificationCallback: { chain, verdict in
                verdict.succeed(bound.value.look(at: chain) ? .certificateVerified : .failed)
            })
        try connection.channel.pipeline.syncOperations.addHandlers(
            handler, EnrolClientHandler(request: request, found: found) { [weak self] in self?.end($0) })
    }

    func ready(_ connection: Outbound) {}

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        let reason = (connection?.failure ?? error).map { ($0 as? StageError)?.message ?? ConnectionFailure.words(for: $0) }
        end(.failure(StageError(.unavailable, "\(line.server) can't be reached: \(reason ?? "it closed the connection")")))
    }

    func expire() {
        end(
            .failure(
                StageError(
                    .unavailable, "\(line.server) doesn't answer; is the way to it open, and does 'fluidity server' run there?")))
    }

    private func end(_ result: Result<(EnrolMessage.Answer, Certificate), StageError>) {
        guard !isOver else { return }
        isOver = true
        promise.completeWith(result.mapError { $0 as any Error })
    }
}

/// The authority among what a server shows, told by its fingerprint. Confined to the connection's loop.
private final class FoundAuthority {
    private let fingerprint: [UInt8]
    private(set) var authority: Certificate?

    init(fingerprint: [UInt8]) { self.fingerprint = fingerprint }

    /// Whether the first certificate is one that the authority issued, and still counts.
    func look(at chain: [NIOSSLCertificate]) -> Bool {
        let bytes = chain.compactMap { try? $0.toDERBytes() }
        guard let root = bytes.first(where: { Array(SHA256.hash(data: $0)) == fingerprint }), let first = bytes.first,
            let authority = try? Certificate(derEncoded: root), let leaf = try? Certificate(derEncoded: first)
        else { return false }
        let now = Date()
        guard leaf.issuer == authority.subject, authority.publicKey.isValidSignature(leaf.signature, for: leaf),
            leaf.notValidBefore <= now, now <= leaf.notValidAfter,
            (try? leaf.extensions.extendedKeyUsage)?.contains(.serverAuth) == true
        else { return false }
        self.authority = authority
        return true
    }
}

/// Sends the request when TLS is agreed on, and reads one line.
private final class EnrolClientHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: EnrolMessage.Request
    private let found: FoundAuthority
    private let end: (Result<(EnrolMessage.Answer, Certificate), StageError>) -> Void
    private var line = ByteBuffer()

    init(
        request: EnrolMessage.Request, found: FoundAuthority,
        end: @escaping (Result<(EnrolMessage.Answer, Certificate), StageError>) -> Void
    ) {
        self.request = request
        self.found = found
        self.end = end
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let agreed) = event {
            guard agreed == EnrolMessage.protocolName else {
                end(.failure(StageError(.unavailable, "the server admits nobody: its configuration has no 'enrol'")))
                return context.close(promise: nil)
            }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: request.line)), promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        line.writeBuffer(&bytes)
        guard let index = line.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            guard line.readableBytes <= EnrolMessage.limit else { return misunderstood(context) }
            return
        }
        guard let answer = EnrolMessage.Answer(String(decoding: line.readableBytesView[..<index], as: UTF8.self)),
            let authority = found.authority
        else { return misunderstood(context) }
        end(.success((answer, authority)))
        context.close(promise: nil)
    }

    private func misunderstood(_ context: ChannelHandlerContext) {
        end(.failure(StageError(.unavailable, "the server's answer can't be understood")))
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.failure(StageError(.unavailable, reason(error))))
        context.close(promise: nil)
    }

    private func reason(_ error: any Error) -> String {
        switch TLSFailure(error) {
        case .untrustedCertificate?, .wrongName?:
            return
                "who answers isn't the server of this invitation: its authority is another one, or somebody between here and there opens TLS"
        case .ended?: return "the server ended the connection without an answer; its log says why"
        default: return "in the TLS handshake, \(ConnectionFailure.words(for: error))"
        }
    }
}

@available(*, unavailable)
extension EnrolAttempt: Sendable {}

@available(*, unavailable)
extension FoundAuthority: Sendable {}

@available(*, unavailable)
extension EnrolClientHandler: Sendable {}
