import AWS
import Logging
import NIOCore
import Pipeline
import ServerWaking
import Synchronization
import Testing

/// The record that a server points to itself.
@Suite struct AddressRecorderTests {
    /// ECS's metadata endpoint, ECS, EC2 and Route 53, each with one answer.
    final class Fake: AWSTransport {
        let requests = Mutex<[AWSRequest]>([])
        let failures = Mutex(0)

        func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
            requests.withLock { $0.append(request) }
            let body: String
            if request.url.path == "/v4/id/task" {
                body = #"{"Cluster":"fluidity","TaskARN":"arn:task/a","Family":"f"}"#
            } else if request.fields.contains(where: { $0.name == "X-Amz-Target" }) {
                body =
                    #"{"tasks":[{"taskArn":"arn:task/a","attachments":[{"details":[{"name":"networkInterfaceId","value":"eni-1"}]}]}]}"#
            } else if request.url.path.hasSuffix("/rrset") {
                let fails = failures.withLock { count in
                    defer { count -= 1 }
                    return count > 0
                }
                if fails { return AWSResponse(status: 400, body: Array("<a><Code>NoSuchHostedZone</Code></a>".utf8)) }
                body = "<ChangeInfo/>"
            } else {
                body = """
                    <r><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>\
                    <association><publicIp>203.0.113.7</publicIp></association></item></networkInterfaceSet></r>
                    """
            }
            return AWSResponse(status: 200, body: Array(body.utf8))
        }

        var records: [String] {
            requests.withLock { $0 }.filter { $0.url.path.hasSuffix("/rrset") }.map { String(decoding: $0.body, as: UTF8.self) }
        }
    }

    private func recorder(
        _ fake: Fake, _ environment: [String: String], _ change: (inout AddressRecordSettings) -> Void = { _ in }
    )
        -> AddressRecorder
    {
        var settings = AddressRecordSettings()
        settings.zone = "Z1"
        settings.name = "tunnel.example.org"
        change(&settings)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let keys = ["AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"]
        let client = AWSClient(
            surroundings: AWSSurroundings(environment: keys, readFile: { _ in nil }), transport: fake, logger: logger)
        return AddressRecorder(
            settings: settings, environment: environment, transport: fake, client: client, pause: .zero, logger: logger)
    }

    private static let task = ["ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/id"]

    @Test func theTasksPublicAddress() async {
        let fake = Fake()
        let recorder = recorder(fake, Self.task)
        #expect(recorder.ownAddress?.address == nil)
        await recorder.run()
        // The server tells its agents, whether the record could be written or not.
        #expect(recorder.ownAddress?.address.map { "\($0)" } == "203.0.113.7")
        #expect(fake.records.count == 1)
        #expect(fake.records[0].contains("<Value>203.0.113.7</Value>") && fake.records[0].contains("<TTL>30</TTL>"))
    }

    @Test func aGivenAddress() async {
        let fake = Fake()
        await recorder(fake, [:]) { $0.address = "2001:db8::1" }.run()
        #expect(fake.records.count == 1)
        #expect(fake.records[0].contains("<Type>AAAA</Type>"))
    }

    @Test func failuresAreTriedAgainAndEnd() async {
        let fake = Fake()
        fake.failures.withLock { $0 = 2 }
        await recorder(fake, Self.task).run()
        #expect(fake.records.count == 3)
        let hopeless = Fake()
        hopeless.failures.withLock { $0 = 1_000 }
        await recorder(hopeless, Self.task).run()
        #expect(hopeless.records.count == 5)
        let nowhere = Fake()
        await recorder(nowhere, [:]).run()
        #expect(nowhere.records.isEmpty)
    }
}
