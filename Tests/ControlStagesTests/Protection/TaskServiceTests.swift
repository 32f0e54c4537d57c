import AWS
import Logging
import NIOCore
import Synchronization
import Testing

@testable import ControlStages

/// What a task that can't be protected declares: written first, and looked after it whether a task is wanted.
@Suite struct TaskServiceTests {
    /// AWS with the task's metadata endpoint beside it.
    private struct Surroundings: AWSTransport {
        let aws: FakeAWS
        var status = "RUNNING"

        func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
            guard request.method == "GET" else { return try await aws.send(request, deadline: deadline) }
            let task = "arn:aws:ecs:us-east-1:1:task/fluidity/one"
            let body = #"{"Cluster":"fluidity","TaskARN":"\#(task)","DesiredStatus":"\#(status)","ServiceName":"fluidity-server"}"#
            return AWSResponse(status: 200, body: Array(body.utf8))
        }
    }

    private func service(_ aws: FakeAWS, status: String = "RUNNING") -> TaskService {
        let environment = [
            "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush",
            "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/one",
        ]
        let transport = Surroundings(aws: aws, status: status)
        let client = AWSClient(
            surroundings: AWSSurroundings(environment: environment, readFile: { _ in nil }), transport: transport,
            clock: .init(
                now: { aws.state.withLock { $0.now } }, deadlineNow: { .uptimeNanoseconds(1) }, sleep: { _ in }),
            logger: .silent)
        return TaskService(name: nil, environment: environment, transport: transport, client: client, logger: .silent)
    }

    @Test func itIsWrittenBeforeItIsLooked() async {
        let aws = FakeAWS { $0.desired = 1 }
        let service = service(aws)
        #expect(await service.declareUse().answer == .done)
        #expect(await service.declareUse().answer == .done)
        #expect(aws.log == ["DescribeServices", "TagResource", "DescribeServices", "TagResource", "DescribeServices"])
        #expect(aws.state.withLock { $0.tags["fluidity:in-use"] == "\($0.now + 600) one" })
    }

    /// The number of tasks was changed just after the declaration was written, or before.
    @Test(arguments: ["TagResource", "DescribeServices", ""])
    func aServiceThatWantsNoTaskIsSeen(_ operation: String) async {
        let aws = FakeAWS { state in
            state.desired = operation.isEmpty ? 0 : 1
            state.after[operation] = { $0.desired = 0 }
        }
        #expect(await service(aws).declareUse().answer == .blocked(isWanted: false))
        #expect(await service(aws).isWanted() == false)
    }

    @Test func aTaskThatIsToStopIsNotWanted() async {
        let aws = FakeAWS { $0.desired = 1 }
        #expect(await service(aws, status: "STOPPED").declareUse().answer == .blocked(isWanted: false))
        #expect(aws.log == [])
    }

    @Test(
        arguments: [
            ("TagResource", "AccessDeniedException", .denied), ("TagResource", "ClientException", .failed),
            ("DescribeServices", "ClientException", .failed),
        ] as [(String, String, TaskProtection.Answer)])
    func whatIsRefusedIsNotDeclared(_ operation: String, _ name: String, _ answer: TaskProtection.Answer) async {
        let aws = FakeAWS { state in
            state.desired = 1
            state.failures[operation] = [(400, name)]
        }
        let (found, problem) = await service(aws).declareUse()
        #expect(found == answer && problem?.contains(name) == true)
    }

    @Test func aServiceThatIsGoneIsUnknown() async {
        let aws = FakeAWS { $0.exists = false }
        #expect(await service(aws).declareUse().answer == .failed)
        #expect(await service(aws).isWanted() == nil)
    }
}
