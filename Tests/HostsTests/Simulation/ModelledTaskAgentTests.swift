import AWS
import NIOCore
import Synchronization
import Testing

@testable import Simulation

/// The model's answers to a task that wants to be protected, as the product reads them.
@Suite struct ModelledTaskAgentTests {
    private final class Agent: AWSTransport {
        let service: Mutex<ModelledService>
        let isDenied: Bool

        init(_ service: ModelledService, isDenied: Bool = false) {
            self.service = Mutex(service)
            self.isDenied = isDenied
        }

        func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
            let body = request.body
            let answer = service.withLock {
                ModelledTaskAgent.answer(body, from: 1, to: &$0, isDenied: isDenied, Moment(seconds: 2_000))
            }
            return AWSResponse(status: answer.status, body: Array(answer.body.utf8))
        }
    }

    private func service(desired: Int) -> ModelledService {
        var service = ModelledService(now: Moment(seconds: 1_000), desired: 1)
        _ = service.reconcile(Moment(seconds: 1_000)) { ModelledTask.Fate(startTakes: 1) }
        _ = service.started(1, Moment(seconds: 1_001))
        service.want(desired, Moment(seconds: 1_002))
        return service
    }

    private func outcome(_ agent: Agent, minutes: Int?) async throws -> TaskAgent.Outcome {
        let client = try #require(TaskAgent(environment: ["ECS_AGENT_URI": "http://169.254.170.2/api/1"], transport: agent))
        return await client.protect(minutes: minutes, deadline: .distantFuture)
    }

    @Test func protectsAndGivesUp() async throws {
        let agent = Agent(service(desired: 1))
        #expect(try await outcome(agent, minutes: 15) == .done)
        #expect(agent.service.withLock { $0.task(1)?.protectedUntil } == Moment(seconds: 2_900))
        #expect(try await outcome(agent, minutes: nil) == .done)
        #expect(agent.service.withLock { $0.task(1)?.protectedUntil } == nil)
    }

    @Test func isBlockedWhereNoTaskIsWanted() async throws {
        let outcome = try await outcome(Agent(service(desired: 0)), minutes: 15)
        guard case .blocked(let reason) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(reason.contains("DEPLOYMENT_BLOCKED"))
    }

    @Test func isDeniedWhereTheRoleSaysNothingOfIt() async throws {
        let outcome = try await outcome(Agent(service(desired: 1), isDenied: true), minutes: 15)
        guard case .denied = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }
}
