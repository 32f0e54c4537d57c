package import ConfigurationLanguage
import NIOCore
import NIOSSL
import NIOTLS
import Pipeline
import Platform
import Synchronization
import X509

/// TLS to proxies: whom they are verified by. Made when the first is dialled, once for all loops, for the system's authorities are many.
package final class ProxyTLS: Sendable {
    private let authorities: PEMSource?
    private let made = Mutex<NIOSSLContext?>(nil)

    /// - Parameter authorities: Nil for the system's.
    package init(authorities: PEMSource?) { self.authorities = authorities }

    /// Verifies chain and name.
    ///
    /// - Throws: An error at the key `via-ca`.
    func context() throws(StageError) -> NIOSSLContext {
        if let context = made.withLock({ $0 }) { return context }
        let context = try make()
        made.withLock { $0 = context }
        return context
    }

    private func make() throws(StageError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["http/1.1"]
        // They aren't ours to renew.
        configuration.verifySignatureAlgorithms = TLSSignatures.verifiedOfOrigins
        configuration.minimumTLSVersion = .tlsv12
        if let authorities {
            let known = try LoadedCertificate.all(in: PEMFile(authorities, key: "via-ca"))
            configuration.trustRoots = .certificates(known.map(\.native))
        }
        do { return try NIOSSLContext(configuration: configuration) } catch {
            throw StageError(
                .configuration, "TLS to a proxy isn't possible with these authorities: \(ConnectionFailure.words(for: error))",
                key: authorities == nil ? "via" : "via-ca")
        }
    }

    /// What goes in front of everything else on a connection to such a proxy.
    func handler(for proxy: ProxyAddress) throws -> NIOSSLClientHandler {
        // An address is compared with those in the certificate; only a name is told to the proxy.
        let isAddress = AddressResolver.literal(proxy.host, port: proxy.port) != nil
        return try NIOSSLClientHandler(context: context(), serverHostname: isAddress ? nil : proxy.host)
    }

    /// What went wrong in TLS with a proxy, for the end of a sentence that begins with it.
    ///
    /// - Parameters:
    ///   - certificate: What the proxy showed, if anything.
    ///   - now: Seconds of the Unix epoch.
    static func describe(
        _ failure: TLSFailure, of proxy: ProxyAddress, _ certificate: NIOSSLCertificate?, hasOwnAuthorities: Bool,
        now: Int = WallTime.seconds
    ) -> String {
        switch failure {
        case .notTLS: return "speaks no TLS on this port: write http:// in place of https://, or another port"
        case .untrustedCertificate, .wrongName:
            guard let loaded = certificate.flatMap(LoadedCertificate.init) else { break }
            let whose = "has a certificate, \(ForeignText.line(loaded.subject, limit: 100)), that"
            if let problem = loaded.validityProblem(now: now) { return "\(whose) \(problem)" }
            if failure == .wrongName { return "\(whose) is for another name than \(proxy.host)" }
            let issuer = ForeignText.line(loaded.parsed.issuer.rfc4514, limit: 100)
            let place = hasOwnAuthorities ? "in 'via-ca'" : "of this system; name the file of its authority in 'via-ca'"
            return "\(whose) was issued by \(issuer), which is no authority \(place)"
        case .alert(116): return "wants a certificate of its clients, and none is shown to proxies (alert 116)"
        default: break
        }
        return "can't be spoken to in TLS: \(failure.sentence(about: "the proxy"))"
    }

    var hasOwnAuthorities: Bool { authorities != nil }
}

/// Stands behind the TLS of a proxy, whose events are for nobody behind it: what stands there has a TLS of its own.
final class ProxyTLSBoundary: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard !(event is TLSUserEvent) else { return }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A proxy that passes on an end doesn't always end TLS: what was inside knows by itself whether it was complete.
        if case NIOSSLError.uncleanShutdown = error { return }
        context.fireErrorCaught(error)
    }
}
