import NIOCore
import Pipeline

/// What a proxy's page says of the pipeline. Everybody can ask for the page before he has said who he is: however many do, the stages are asked
/// once a second at most. Confined to the port's loop.
final class ProxyPageFacts {
    /// How the pipeline was when it was looked at.
    struct Facts: Sendable {
        /// Why it takes no work; empty where it does.
        var problems: [String]
        /// Whether it carries what it takes through a tunnel.
        var hasTunnel: Bool
    }

    /// So long an answer counts.
    private static let age = TimeAmount.seconds(1)

    private var latest: EventLoopFuture<Facts>?
    /// When the answer came; nil while it is on its way.
    private var answered: NIODeadline?

    /// The facts, a second old at most. All who ask meanwhile wait for the same answer.
    func current(on shard: Shard) -> EventLoopFuture<Facts> {
        if let latest, answered.map({ .now() - $0 < Self.age }) ?? true { return latest }
        let telemetry = shard.telemetry
        let looked = shard.loop.makeFutureWithTask { await Self.look(telemetry) }
        (latest, answered) = (looked, nil)
        looked.assumeIsolated().whenComplete { _ in self.answered = .now() }
        return looked
    }

    private static func look(_ telemetry: Telemetry) async -> Facts {
        let statuses = await telemetry.statuses()
        let problems = telemetry.phase == .running ? statuses.compactMap { $0.status.problem } : await telemetry.problems()
        return Facts(problems: problems, hasTunnel: statuses.contains { $0.place.name == "connect" })
    }
}

@available(*, unavailable)
extension ProxyPageFacts: Sendable {}
