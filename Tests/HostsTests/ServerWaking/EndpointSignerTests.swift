import AWS
import Logging
import NIOCore
import Pipeline
import Testing

@testable import ServerWaking

/// `authentication: iam`: what an endpoint gets is what AWS verifies.
@Suite struct EndpointSignerTests {
    private struct Silent: AWSTransport {
        func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse { AWSResponse(status: 500) }
    }

    private func signer(_ environment: [String: String]) -> EndpointSigner {
        EndpointSigner(
            surroundings: AWSSurroundings(environment: environment, readFile: { _ in nil }), transport: Silent(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { 1_795_420_800 })
    }

    private static let keys = ["AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"]

    @Test(arguments: [
        ("https://a1b2.execute-api.eu-west-1.amazonaws.com/v1/wake", "eu-west-1/execute-api"),
        ("https://a1b2.lambda-url.us-east-2.on.aws/", "us-east-2/lambda"),
        ("https://control.example/wake", "eu-north-1/execute-api"),
    ])
    func theAddressSaysWhatSignsForIt(_ text: String, _ scope: String) async throws {
        let url = try EndpointURL(configured: text)
        let fields = try await signer(Self.keys.merging(["AWS_REGION": "eu-north-1"]) { $1 }).fields(method: "POST", url: url)
        let values = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.value) })
        #expect(values["Host"] == url.host)
        #expect(values["X-Amz-Date"] == "20261123T080000Z")
        #expect(values["X-Amz-Security-Token"] == "token")
        let authorization = try #require(values["Authorization"])
        #expect(authorization.hasPrefix("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/\(scope)/aws4_request, "))
        #expect(authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token, "))
    }

    @Test func withoutCredentialsOrRegionItSaysSo() async throws {
        let url = try EndpointURL(configured: "https://control.example/wake")
        await #expect(throws: AWSError.self) { try await signer(["AWS_REGION": "eu-north-1"]).fields(method: "GET", url: url) }
        await #expect(throws: AWSError(.configuration, "the AWS region is not known: set AWS_REGION")) {
            try await signer(Self.keys).fields(method: "GET", url: url)
        }
    }
}
