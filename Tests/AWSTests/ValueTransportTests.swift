import AWS
import NIOCore
import Synchronization
import Testing

/// Calls that are never written have the deadlines, attempts and corrections of all others.
@Suite struct ValueTransportTests {
    private static let later = NIODeadline.uptimeNanoseconds(60_000_000_000)

    /// Answers from a script, by values.
    private final class Scripted: AWSValueTransport {
        private let state: Mutex<(results: [AWSResult?], calls: [AWSCall])>
        /// Its clock, and what comes as bytes.
        let bytes: ScriptedTransport

        init(_ results: [AWSResult?], bytes: [ScriptedTransport.Step] = []) {
            state = Mutex((results, []))
            self.bytes = ScriptedTransport(bytes)
        }

        var calls: [AWSCall] { state.withLock { $0.calls } }

        func answer(_ call: AWSCall, deadline: NIODeadline) async throws -> AWSResult {
            let result = state.withLock { state in
                state.calls.append(call)
                return state.results.isEmpty ? nil : state.results.removeFirst()
            }
            guard let result else { throw ScriptedTransport.Lost() }
            return result
        }

        func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
            try await bytes.send(request, deadline: deadline)
        }

        func list(until deadline: NIODeadline = later) async throws(AWSError) -> [String] {
            try await ECS(client).listTasks(cluster: "c", service: "s", desiredStatus: "RUNNING", deadline: deadline)
        }

        var client: AWSClient {
            let environment = ["AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"]
            return AWSClient(
                surroundings: AWSSurroundings(environment: environment, readFile: { _ in nil }), transport: self,
                clock: bytes.clock, logger: .silent)
        }
    }

    private static let tasks = AWSResult.done(ECS.ListOutput(taskArns: ["arn:task/1"]))

    private static func refused(_ name: String, status: Int = 400, date: Int = 1_795_420_800) -> AWSResult {
        .refused(status: status, name: name, message: "no", date: date)
    }

    @Test func takesWhatTheOperationIsGiven() async throws {
        let transport = Scripted([Self.tasks])
        #expect(try await transport.list() == ["arn:task/1"])
        let call = try #require(transport.calls.first)
        let input = try #require(call.input as? ECS.ListInput)
        #expect((call.operation, call.time) == ("ListTasks", 1_795_420_800))
        #expect((input.cluster, input.serviceName, input.desiredStatus) == ("c", "s", "RUNNING"))
    }

    @Test(arguments: [
        nil, refused("ThrottlingException"), refused("Whatever", status: 503), .done(ECS.Nothing()),
    ])
    func transientFailuresAreRetried(_ result: AWSResult?) async throws {
        let transport = Scripted([result, result, Self.tasks])
        #expect(try await transport.list() == ["arn:task/1"])
        #expect(transport.calls.count == 3)
        #expect(transport.bytes.waits.count == 2)
    }

    @Test func refusalsAreNot() async {
        let transport = Scripted([Self.refused("AccessDeniedException"), Self.tasks])
        let error = await #expect(throws: AWSError.self) { try await transport.list() }
        #expect(error == AWSError(.service(name: "AccessDeniedException", status: 400), "no"))
        #expect(transport.calls.count == 1)
    }

    @Test func theDeadlineHolds() async {
        let transport = Scripted([Self.tasks])
        let error = await #expect(throws: AWSError.self) { try await transport.list(until: .uptimeNanoseconds(1)) }
        #expect(error?.code == .deadline)
        #expect(transport.calls.isEmpty)
    }

    @Test func aWrongClockIsPutRight() async throws {
        let transport = Scripted([Self.refused("InvalidSignatureException", status: 403, date: 1_795_424_400), Self.tasks])
        #expect(try await transport.list() == ["arn:task/1"])
        #expect(transport.calls.map(\.time) == [1_795_420_800, 1_795_424_400])
        #expect(transport.bytes.waits.isEmpty)
    }

    /// What isn't JSON has no values: it comes as bytes.
    @Test func otherCallsComeAsBytes() async throws {
        let answer = AWSResponse(
            status: 200,
            body: Array(
                "<R><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId></item></networkInterfaceSet></R>".utf8
            ))
        let transport = Scripted([], bytes: [.answer(answer)])
        let found = try await EC2(transport.client).describeNetworkInterfaces(["eni-1"], deadline: Self.later)
        #expect(found.map(\.id) == ["eni-1"])
        #expect(transport.calls.isEmpty)
    }
}
