import ConfigurationLanguage
import Hosting
package import Logging
package import NIOCore
package import Pipeline
import Platform

/// Has the server started when it is needed, finds it, and lets go of it at the end.
package final class LifecycleDriver: HostCompanion {
    /// What stages and the driver tell each other about the server; never nil here.
    package let presence: ServerPresence?
    /// How long an endpoint isn't asked again that refused in a way that time doesn't mend: a wrong key, say.
    private static let rest = Duration.seconds(60)

    private let settings: LifecycleSettings
    private let known: ServerPresence
    private let client: ControlClient
    private let progress: Progress
    private let clock: LifecycleClock
    private let logger: Logger

    /// A driver with a client of its own, which `finish` shuts down.
    package convenience init(settings: LifecycleSettings, group: any EventLoopGroup, progress: Progress, logger: Logger) {
        self.init(
            settings: settings, client: ControlClient(settings: settings, group: group, logger: logger), progress: progress,
            clock: .system,
            logger: logger)
    }

    /// A driver that calls by this client, which `finish` shuts down, and goes by this clock.
    package init(
        settings: LifecycleSettings, client: ControlClient, progress: Progress, clock: LifecycleClock, logger: Logger
    ) {
        self.settings = settings
        self.progress = progress
        self.clock = clock
        self.logger = logger
        self.client = client
        known = ServerPresence(settings)
        presence = known
    }

    /// Wakes the server when somebody needs it, until it is cancelled.
    package func run() async {
        // Nobody wakes it any more: what waits for it needn't wait, and the agent can end.
        defer { known.enter(.failed("the agent is ending")) }
        if settings.wake == .atStart { known.want() }
        var refusal: (reason: String, until: Duration)?
        for await _ in known.demands {
            guard !Task.isCancelled else { return }
            if known.isUp { continue }
            if let refusal, clock.now() < refusal.until {
                // What waits is answered with what is known.
                known.enter(.failed(refusal.reason))
                continue
            }
            refusal = await bringUp().map { ($0, clock.now() + Self.rest) }
            // Nobody is asked again with every request.
            if !known.isUp, refusal == nil { try? await clock.sleep(settings.connectionRetryInterval) }
        }
    }

    /// What is open has finished: the server is let go of. Failing is no reason not to end.
    package func finish(started: Bool) async {
        if started, settings.onStop == .kill {
            do throws(ControlClient.Problem) {
                try await client.kill()
                logger.notice("server killed")
            } catch { logger.warning("the server can't be killed", metadata: ["reason": "\(error.message)"]) }
        }
        await client.shutdown()
    }

    /// Why it was given up, if an endpoint refused and will again.
    private func bringUp() async -> String? {
        let began = clock.now()
        var attempt = BringUp(
            timeout: settings.connectionTimeout / .seconds(1), interval: settings.connectionRetryInterval / .seconds(1),
            canAskStatus: settings.statusEndpoint != nil, seed: clock.random())
        known.enter(.waking(expected: nil))
        progress.begin()
        while !Task.isCancelled, !known.isUp {
            let now = (clock.now() - began) / .seconds(1)
            switch attempt.next(now: now) {
            case .wake: await wake(&attempt, began)
            case .askStatus: await ask(&attempt, began)
            case .wait(let until):
                progress.show(after: now)
                // A server at a fixed place is tried each time; dialers double their waits in between.
                known.found(at: nil)
                // Woken before that by a connection.
                await known.up(within: .seconds(min(until - now, 1)), by: clock)
            case .giveUp(let reason):
                known.enter(.failed(reason))
                progress.end("the server could not be started: \(reason)")
                logger.error("the server could not be started", metadata: ["reason": "\(reason)"])
                return attempt.isRefused ? reason : nil
            }
        }
        guard known.isUp else {
            progress.end("the server is not waited for any longer")
            return nil
        }
        let seconds = (clock.now() - began) / .seconds(1)
        progress.end("the tunnel is up after \(Int(seconds.rounded())) s")
        logger.notice("server is up", metadata: ["after": "\(Int(seconds * 1_000))ms"])
        return nil
    }

    private func wake(_ attempt: inout BringUp, _ began: Duration) async {
        let answer: BringUp.Answer
        var retryAfter: Double?
        do throws(ControlClient.Problem) {
            let woken = try await client.wake()
            answer = .accepted
            retryAfter = woken.retryAfter
            if let warning = woken.warning.map({ ForeignText.line($0, limit: 200) }) {
                logger.warning("a limit of the server is near", metadata: ["reason": "\(warning)"])
            }
            let expected = woken.status == "already_running" ? nil : woken.estimatedStartTime
            known.enter(.waking(expected: expected))
            progress.tell(woken.status, expected: expected)
            logger.info("server woken", metadata: ["status": "\(woken.status)", "expected": "\(expected ?? "-")"])
        } catch {
            answer = error.answer
            logger.warning("the server can't be woken", metadata: ["reason": "\(error.message)"])
        }
        attempt.woke(answer, retryAfter: retryAfter, now: (clock.now() - began) / .seconds(1))
    }

    private func ask(_ attempt: inout BringUp, _ began: Duration) async {
        let answer: BringUp.Answer
        var isAsleep = false
        var problem: String?
        var retryAfter: Double?
        do throws(ControlClient.Problem) {
            let status = try await client.status()
            answer = .accepted
            retryAfter = status.retryAfter
            isAsleep = status.status == "asleep" || status.status == "stopping"
            let unreachable = status.address == nil ? status.reason.map { ForeignText.line($0, limit: 200) } : nil
            problem = status.ready ? unreachable : status.lastStopReason
            progress.tell(status.status, expected: nil)
            if status.ready { known.found(at: status.address.flatMap { try? HostPort(configured: $0) }) }
        } catch {
            answer = error.isThrottled ? error.answer : .failed(error.message)
            logger.debug("the server's status isn't known", metadata: ["reason": "\(error.message)"])
        }
        attempt.learned(
            answer, isAsleep: isAsleep, problem: problem, retryAfter: retryAfter, now: (clock.now() - began) / .seconds(1))
    }
}
