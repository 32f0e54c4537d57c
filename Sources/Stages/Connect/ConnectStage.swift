import Logging
import NIOCore
public import Pipeline
import Synchronization

public struct ConnectConfiguration: StageConfiguration {
    public var to = HostPort(host: "localhost", port: 8443)
    public var wait = Duration.seconds(10)
    public var congestionControl: CongestionControl?
    public var timeout = Duration.seconds(10)

    public init() {}

    public static let schema = Schema<ConnectConfiguration>(
        .required("to", \.to, "The server's host and port. The name is resolved anew for each attempt."),
        .optional(
            "wait", \.wait, in: .zero...(.seconds(600)),
            "How long an exchange waits for the tunnel before it is answered with 503."),
        .optional(
            "congestion-control", \.congestionControl,
            "How TCP finds its rate on the way to the server: bbr where that loses packets. Default: the system's."),
        .optional(
            "timeout", \.timeout, in: .milliseconds(100)...(.seconds(120)), "How long one attempt to connect may take.")
    )
}

public struct ConnectFactory: StageFactory {
    public static let name = "connect"
    public static let summary = "Dials the server, one connection for each event loop, and dials again when one is lost."
    public static let forms = [StageForm(.outbound, .end)]
    public static let needs: HostNeeds = [.background]

    public init() {}

    public func make(_ configuration: ConnectConfiguration, form: StageForm, context: StageContext) throws -> any Stage {
        ConnectStage(configuration: configuration)
    }
}

/// Opens connections, for as long as the pipeline runs.
final class ConnectStage: Stage {
    typealias Input = Outbound
    typealias Output = End
    private let configuration: ConnectConfiguration
    private let dialers = Mutex<[NIOLoopBound<Dialer>]>([])

    init(configuration: ConnectConfiguration) {
        self.configuration = configuration
    }

    func assemble(_ downstream: Void, on shard: Shard) throws -> any OutboundPort {
        let dialer = Dialer(configuration: configuration, shard: shard)
        let bound = NIOLoopBound(dialer, eventLoop: shard.loop)
        dialers.withLock { $0.append(bound) }
        return dialer
    }

    func start() async throws {
        for dialer in dialers.withLock({ $0 }) { dialer.eventLoop.execute { dialer.value.start() } }
    }

    func status() async -> StageStatus {
        let dialers = dialers.withLock { $0 }
        var down: [String] = []
        for dialer in dialers {
            let status = try? await dialer.eventLoop.submit { dialer.value.status }.get()
            if case .down(let since, let to, let reason)? = status {
                down.append("the tunnel to \(to) is down since \(Timestamp.utc(since)): \(reason)")
            }
        }
        let up = dialers.count - down.count
        let problem = down.first.map { "\($0) (\(up) of \(dialers.count) connections are up)" }
        return StageStatus(
            problem: problem, details: ["server": "\(configuration.to)", "connections up": "\(up) of \(dialers.count)"])
    }

    func stop() async {
        for dialer in dialers.withLock({ $0 }) {
            try? await dialer.eventLoop.flatSubmit { dialer.value.stop() }.get()
        }
    }
}
