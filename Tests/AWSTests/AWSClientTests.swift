import AWS
import NIOCore
import Testing

@Suite struct AWSClientTests {
    private static let tasks = AWSResponse.json(200, #"{"taskArns":["arn:task/1"]}"#)
    private static let later = NIODeadline.uptimeNanoseconds(60_000_000_000)

    private func list(_ transport: ScriptedTransport, deadline: NIODeadline = later) async throws -> [String] {
        try await ECS(transport.client()).listTasks(
            cluster: "c", service: "s", desiredStatus: "RUNNING", deadline: deadline)
    }

    @Test(arguments: [
        ScriptedTransport.Step.failure, .answer(.error(400, "ThrottlingException")), .answer(.error(429, "Whatever")),
        .answer(.json(500, "<html>")), .answer(.json(503, "")), .answer(.json(200, "not JSON")),
        .answer(.json(200, #"{"taskArns":7}"#)),
    ])
    func transientFailuresAreRetried(_ step: ScriptedTransport.Step) async throws {
        let transport = ScriptedTransport([step, step, .answer(Self.tasks)])
        #expect(try await list(transport) == ["arn:task/1"])
        #expect(transport.requests.count == 3)
        #expect(transport.waits.count == 2)
    }

    @Test(arguments: ["AccessDeniedException", "ServiceNotFoundException", "ValidationException"])
    func refusalsAreNot(_ name: String) async {
        let transport = ScriptedTransport([.answer(.error(400, name)), .answer(Self.tasks)])
        let error = await #expect(throws: AWSError.self) { try await self.list(transport) }
        #expect(error?.serviceName == name)
        #expect(transport.requests.count == 1)
    }

    @Test func attemptsAreBounded() async {
        let transport = ScriptedTransport([])
        await #expect(throws: AWSError.self) { try await self.list(transport) }
        #expect(transport.requests.count == RetryPolicy().attempts)
    }

    @Test func noWaitGoesBeyondTheDeadline() async {
        let transport = ScriptedTransport([])
        let error = await #expect(throws: AWSError.self) {
            try await self.list(transport, deadline: .uptimeNanoseconds(2_000_000))
        }
        #expect(error?.code == .unreachable)
        #expect(transport.requests.count == 1)
        #expect(transport.waits.isEmpty)
    }

    @Test func throttlingWaitsLongerAndWaitsAreVaried() {
        let policy = RetryPolicy()
        var generator = SystemRandomNumberGenerator()
        let lost = AWSError(.unreachable, "")
        let throttled = AWSError(.service(name: "ThrottlingException", status: 400), "")
        let waits = (0..<200).compactMap { _ in policy.wait(after: lost, attempt: 2, using: &generator) }
        #expect(waits.count == 200)
        #expect(Set(waits).count > 100)
        #expect(waits.allSatisfy { $0 >= .milliseconds(20) && $0 <= .milliseconds(200) })
        let longer = (0..<200).compactMap { _ in policy.wait(after: throttled, attempt: 2, using: &generator) }
        #expect(longer.contains { $0 > .milliseconds(200) })
        #expect(longer.allSatisfy { $0 <= .seconds(1) })
        #expect(policy.wait(after: lost, attempt: 5, using: &generator) == nil)
        let far = (1...40).compactMap { RetryPolicy(attempts: 99).wait(after: throttled, attempt: $0, using: &generator) }
        #expect(far.allSatisfy { $0 <= .seconds(5) })
    }

    @Test func aWrongClockIsPutRightOnce() async throws {
        let wrong = AWSResponse.error(403, "InvalidSignatureException", date: "Mon, 23 Nov 2026 09:00:00 GMT")
        let transport = ScriptedTransport([.answer(wrong), .answer(Self.tasks), .answer(Self.tasks)])
        let client = transport.client()
        _ = try await ECS(client).listTasks(cluster: "c", service: "s", desiredStatus: "RUNNING", deadline: Self.later)
        _ = try await ECS(client).listTasks(cluster: "c", service: "s", desiredStatus: "RUNNING", deadline: Self.later)
        let stamps = transport.requests.map { $0.fields.first { $0.name == "X-Amz-Date" }?.value }
        #expect(stamps == ["20261123T080000Z", "20261123T090000Z", "20261123T090000Z"])
        #expect(transport.waits.isEmpty)
    }

    @Test func aSignatureThatIsReallyWrongIsNotSkew() async {
        let wrong = AWSResponse.error(403, "SignatureDoesNotMatch", date: "Mon, 23 Nov 2026 08:00:03 GMT")
        let transport = ScriptedTransport([.answer(wrong), .answer(Self.tasks)])
        await #expect(throws: AWSError.self) { try await self.list(transport) }
        #expect(transport.requests.count == 1)
    }

    @Test func nothingSecretIsPrinted() async throws {
        let credentials = Credentials(accessKey: "AKID", secretKey: "hush", sessionToken: "token")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("hush") && !text.contains("token\""))
        }
    }

    @Test func refusalsWithoutAReasonableBody() async {
        for body in ["", "null", "<a><b></a>", #"{"__type":"\u0000"}"#, #"{"__type":7}"#] {
            let transport = ScriptedTransport([.answer(.json(400, body))])
            let error = await #expect(throws: AWSError.self) { try await self.list(transport) }
            #expect(error?.serviceName == "Unknown")
        }
    }
}
