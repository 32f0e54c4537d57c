import AWS
import NIOCore
import Synchronization
import Testing

/// What the ECS agent beside a task is asked and answers, in the forms of its task protection endpoint.
@Suite struct TaskAgentTests {
    private final class Fake: AWSTransport {
        let requests = Mutex<[AWSRequest]>([])
        let answer: (status: Int, body: String)

        init(_ status: Int, _ body: String) { answer = (status, body) }

        func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
            requests.withLock { $0.append(request) }
            return AWSResponse(status: answer.status, body: Array(answer.body.utf8))
        }
    }

    private static let arn = "arn:aws:ecs:us-west-2:111122223333:task/fluidity/1234567890abcdef0"
    private static let environment = ["ECS_AGENT_URI": "http://169.254.170.2/api/abc-123"]

    @Test(
        arguments: [
            (15, #"{"ProtectionEnabled":true,"ExpiresInMinutes":15}"#), (nil, #"{"ProtectionEnabled":false}"#),
            (0, #"{"ProtectionEnabled":true,"ExpiresInMinutes":1}"#),
            (9_999, #"{"ProtectionEnabled":true,"ExpiresInMinutes":2880}"#),
        ] as [(Int?, String)])
    func wishes(_ minutes: Int?, _ body: String) async throws {
        let fake = Fake(200, #"{"protection":{"ProtectionEnabled":\#(minutes != nil),"TaskArn":"\#(Self.arn)"}}"#)
        let agent = try #require(TaskAgent(environment: Self.environment, transport: fake))
        #expect(await agent.protect(minutes: minutes, deadline: .distantFuture) == .done)
        let request = try #require(fake.requests.withLock { $0.first })
        #expect(request.method == "PUT" && "\(request.url)" == "http://169.254.170.2/api/abc-123/task-protection/v1/state")
        let sent = String(decoding: request.body, as: UTF8.self)
        // The order of keys says nothing.
        #expect(sent.count == body.count && Set(sent) == Set(body))
        #expect(sent.contains(#""ProtectionEnabled":\#(minutes != nil)"#))
    }

    @Test(
        arguments: [
            (200, #"{"failure":{"Arn":"a","Reason":"DEPLOYMENT_BLOCKED"}}"#, .blocked("DEPLOYMENT_BLOCKED")),
            (200, #"{"failure":{"Arn":"a","Reason":"TASK_NOT_VALID","Detail":"it ends"}}"#, .blocked("TASK_NOT_VALID it ends")),
            (
                400, #"{"requestID":"x","error":{"Arn":"a","Code":"AccessDeniedException","Message":"no"}}"#,
                .denied("AccessDeniedException no")
            ),
            (403, "", .denied("the ECS agent answered with 403")),
            (500, #"{"error":{"Code":"ServerException","Message":"later"}}"#, .failed("ServerException later")),
            (200, "{}", .failed("the ECS agent answered with 200")), (200, "no", .failed("the ECS agent answered with 200")),
            (200, #"{"protection":{"ProtectionEnabled":false}}"#, .failed("the ECS agent answered with 200")),
            (504, "", .failed("the ECS agent answered with 504")),
        ] as [(Int, String, TaskAgent.Outcome)])
    func answers(_ status: Int, _ body: String, _ outcome: TaskAgent.Outcome) async throws {
        let agent = try #require(TaskAgent(environment: Self.environment, transport: Fake(status, body)))
        let found = await agent.protect(minutes: 15, deadline: .distantFuture)
        switch (found, outcome) {
        case (.blocked(let left), .blocked(let right)): #expect(left.trimmed == right)
        default: #expect(found == outcome)
        }
    }

    @Test(arguments: [[:], ["ECS_AGENT_URI": ""], ["ECS_AGENT_URI": "no address"]])
    func whereThereIsNone(_ environment: [String: String]) {
        #expect(TaskAgent(environment: environment, transport: Fake(200, "")) == nil)
    }
}

extension String {
    fileprivate var trimmed: String { split(separator: " ").joined(separator: " ") }
}
