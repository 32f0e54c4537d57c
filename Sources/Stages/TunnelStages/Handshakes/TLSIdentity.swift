import ConfigurationLanguage
import Logging
import NIOSSL
import Pipeline
import Platform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One side's certificate, key and authority at work: read again when their files change, so that what is renewed is used
/// for the connections that follow. What can't work leaves the old in use.
final class TLSIdentity: Sendable {
    /// Reads the files. Called when the stage is made, and on no event loop after that.
    typealias Loading = @Sendable () throws(StageError) -> TLSMaterial

    private struct Current {
        var material: TLSMaterial
        /// What the neighbour speaks, as ALPN calls it.
        var protocols: [String]
        var context: NIOSSLContext
    }

    /// An expiry that is near is told so often, in seconds.
    private static let reminder = 43_200

    private let sources: [PEMSource]
    /// Makes and renews the certificate; nil where somebody else does.
    private let maker: String?
    private let load: Loading
    private let logger: Logger
    private let current: Mutex<Current>
    private let watch: PEMWatch
    /// When it is told again that the expiry is near, in seconds of the Unix epoch.
    private let nextReminder = Mutex(WallTime.seconds + TLSIdentity.reminder)
    /// Where a replacement is recorded; nil where it isn't.
    private let audit: AuditLog?

    /// - Parameters:
    ///   - sources: What `load` reads.
    ///   - maker: The command that renews the certificate, if there is one.
    ///   - context: What the stage is told: its logger, and the audit log.
    init(_ sources: [PEMSource], maker: String?, context: StageContext, load: @escaping Loading) throws {
        self.sources = sources
        self.maker = maker
        logger = context.logger
        audit = context.audit
        self.load = load
        // Looked at before they are read: a change in between is found by the next look.
        watch = PEMWatch(sources)
        let material = try load()
        for warning in material.warnings { logger.warning("\(warning)") }
        current = Mutex(
            Current(material: material, protocols: [], context: try Self.context(material.configuration, offering: [])))
    }

    /// What new connections use.
    var context: NIOSSLContext { current.withLock { $0.context } }

    /// What peers' certificates have to come from.
    var authorities: [NIOSSLCertificate] {
        guard case .certificates(let authorities)? = current.withLock({ $0.material.configuration.trustRoots }) else { return [] }
        return authorities
    }

    /// Offers these protocols to the peers of connections that follow. Loops that say the same share one context.
    func offer(_ protocols: [String]) throws {
        try current.withLock { current in
            guard current.protocols != protocols else { return }
            current.context = try Self.context(current.material.configuration, offering: protocols)
            current.protocols = protocols
        }
    }

    /// When the first certificate of the chain expires, in seconds of the Unix epoch; nil for a side that shows none.
    var notAfter: Int? { current.withLock { $0.material.notAfter } }

    var status: StageStatus {
        guard let notAfter else { return StageStatus() }
        let expiry = Timestamp.utc(notAfter)
        return StageStatus(
            problem: WallTime.seconds > notAfter ? "the certificate expired on \(expiry)" : nil,
            details: ["certificate expires": expiry], certificate: certificate)
    }

    private var certificate: StageStatus.ShownCertificate? {
        let (chain, end) = current.withLock { ($0.material.configuration.certificateChain, $0.material.notAfter) }
        guard let end, case .certificate(let leaf)? = chain.first, let identity = try? PeerIdentity(leaf) else { return nil }
        return .init(subject: identity.subject, names: identity.dnsNames + identity.uris, end: end)
    }

    func start() {
        watch.start { [weak self] in
            self?.refresh()
            self?.remind()
        }
    }

    func stop() { watch.stop() }

    /// Reads the files again if they have changed.
    func refresh() {
        let failure = watch.look {
            let material = try load()
            for warning in material.warnings { logger.warning("\(warning)") }
            try current.withLock { current in
                current.context = try Self.context(material.configuration, offering: current.protocols)
                current.material = material
            }
            if let notAfter = material.notAfter {
                audit?.record(
                    .certificateReplaced, [.file: "\(sources.first.map { $0.printed } ?? "-")", .expires: Timestamp.utc(notAfter)])
                logger.notice("certificate reloaded", metadata: ["expires": "\(Timestamp.utc(notAfter))"])
            } else {
                logger.notice("authorities reloaded")
            }
        }
        // Certificate and key may be replaced one after the other.
        if let failure {
            logger.warning("the changed certificate can't be used; the one before stays in use", metadata: ["reason": "\(failure)"])
        }
    }

    private func remind() {
        let isTime = nextReminder.withLock { next in
            guard WallTime.seconds >= next else { return false }
            next += Self.reminder
            return true
        }
        guard isTime, let notAfter else { return }
        let left = notAfter - WallTime.seconds
        guard left <= TLSCredentials.warningTime else { return }
        var metadata: Logger.Metadata = ["expires": "\(Timestamp.utc(notAfter))"]
        if let maker { metadata["renew"] = "\(maker)" }
        logger.warning(left < 0 ? "the certificate has expired" : "the certificate expires soon", metadata: metadata)
    }

    private static func context(_ configuration: TLSConfiguration, offering protocols: [String]) throws -> NIOSSLContext {
        var configuration = configuration
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }
}
