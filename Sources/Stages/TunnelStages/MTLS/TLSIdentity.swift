import ConfigurationLanguage
import Instruments
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
    private struct Current {
        /// Without the protocols, which the stage's neighbour says.
        var configuration: TLSConfiguration
        /// What the neighbour speaks, as ALPN calls it.
        var protocols: [String]
        var context: NIOSSLContext
        var notAfter: Int
        /// The files as they were when they were last looked at.
        var seen: [FileStamp?]
    }

    /// How often the files are looked at.
    private static let interval = Duration.seconds(5)
    /// An expiry that is near is told so often, in seconds.
    private static let reminder = 43_200

    private let configuration: MTLSConfiguration
    private let role: TLSCredentials.Role
    private let logger: Logger
    private let current: Mutex<Current>
    private let watching = Mutex<Task<Void, Never>?>(nil)
    /// Where a replacement is recorded.
    private let audit = Mutex<AuditLog?>(nil)

    init(_ configuration: MTLSConfiguration, role: TLSCredentials.Role, logger: Logger) throws {
        self.configuration = configuration
        self.role = role
        self.logger = logger
        // Looked at before they are read: a change in between is found by the next look.
        let seen = Self.stamps(configuration)
        let (tls, notAfter) = try Self.load(configuration, role, logger)
        current = Mutex(
            Current(
                configuration: tls, protocols: [], context: try Self.context(tls, offering: []), notAfter: notAfter, seen: seen))
    }

    /// What new connections use.
    var context: NIOSSLContext { current.withLock { $0.context } }

    /// What peers' certificates have to come from.
    var authorities: [NIOSSLCertificate] {
        guard case .certificates(let authorities)? = current.withLock({ $0.configuration.trustRoots }) else { return [] }
        return authorities
    }

    /// Offers these protocols to the peers of connections that follow. Loops that say the same share one context.
    func offer(_ protocols: [String]) throws {
        try current.withLock { current in
            guard current.protocols != protocols else { return }
            current.context = try Self.context(current.configuration, offering: protocols)
            current.protocols = protocols
        }
    }

    /// From now on it is recorded there when the certificate is replaced.
    func record(to audit: AuditLog?) { self.audit.withLock { $0 = audit } }

    /// When the first certificate of the chain expires, in seconds of the Unix epoch.
    var notAfter: Int { current.withLock { $0.notAfter } }

    var status: StageStatus {
        let notAfter = notAfter
        let expiry = Timestamp.utc(notAfter)
        return StageStatus(
            problem: WallTime.seconds > notAfter ? "the certificate expired on \(expiry)" : nil,
            details: ["certificate expires": expiry])
    }

    func start() {
        watching.withLock { watching in
            guard watching == nil else { return }
            watching = Task { await watch() }
        }
    }

    func stop() {
        watching.withLock { watching in
            watching?.cancel()
            watching = nil
        }
    }

    /// Reads the files again if they have changed.
    func refresh() {
        let seen = Self.stamps(configuration)
        let isChanged = current.withLock { current in
            defer { current.seen = seen }
            return current.seen != seen
        }
        guard isChanged else { return }
        do {
            let (tls, notAfter) = try Self.load(configuration, role, logger)
            try current.withLock { current in
                current.context = try Self.context(tls, offering: current.protocols)
                current.configuration = tls
                current.notAfter = notAfter
            }
            audit.withLock { $0 }?.record(
                .certificateReplaced, [.file: "\(configuration.certificate.printed)", .expires: Timestamp.utc(notAfter)])
            logger.notice("certificate reloaded", metadata: ["expires": "\(Timestamp.utc(notAfter))"])
        } catch {
            // Certificate and key may be replaced one after the other: the next change is tried again.
            logger.warning("the changed certificate can't be used; the one before stays in use", metadata: ["reason": "\(error)"])
        }
    }

    private func watch() async {
        var nextReminder = WallTime.seconds + Self.reminder
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)
            guard !Task.isCancelled else { return }
            refresh()
            guard WallTime.seconds >= nextReminder else { continue }
            nextReminder += Self.reminder
            remind()
        }
    }

    private func remind() {
        let left = notAfter - WallTime.seconds
        guard left <= TLSCredentials.warningTime else { return }
        logger.warning(
            left < 0 ? "the certificate has expired" : "the certificate expires soon",
            metadata: ["expires": "\(Timestamp.utc(notAfter))", "renew": "fluidity cert issue"])
    }

    private static func load(
        _ configuration: MTLSConfiguration, _ role: TLSCredentials.Role, _ logger: Logger
    ) throws -> (TLSConfiguration, notAfter: Int) {
        let credentials = try TLSCredentials(
            certificate: configuration.certificate, key: configuration.key, ca: configuration.ca, role: role)
        for warning in credentials.warnings { logger.warning("\(warning)") }
        return (credentials.configuration(for: role), credentials.notAfter)
    }

    private static func context(_ configuration: TLSConfiguration, offering protocols: [String]) throws -> NIOSSLContext {
        var configuration = configuration
        configuration.applicationProtocols = protocols
        return try NIOSSLContext(configuration: configuration)
    }

    // MARK: - Files

    private static func stamps(_ configuration: MTLSConfiguration) -> [FileStamp?] {
        [configuration.certificate, configuration.key, configuration.ca].map { source in
            guard case .file(let file) = source else { return nil }
            return FileStamp(file.path)
        }
    }
}

/// What is counted of TLS on one loop.
final class HandshakeMeter {
    let verified: Counter
    let refused: Counter

    init(on shard: Shard, _ identity: TLSIdentity) {
        let labels = shard.assembling?.labels ?? []
        func handshakes(_ result: String) -> Counter {
            shard.metrics.counter(
                MTLSFactory.Metrics.handshakes,
                labels + [.init("result", result)])
        }
        verified = handshakes("verified")
        refused = handshakes("refused")
        let expiry = shard.metrics.gauge(
            MTLSFactory.Metrics.expiry, labels,
            merging: .largest)
        shard.metrics.beforeReading { expiry.value = Int64(identity.notAfter) }
    }
}

@available(*, unavailable)
extension HandshakeMeter: Sendable {}
