import AWS
import NIOCore
import Testing

@Suite struct CredentialsTests {
    private static let now = 1_795_420_800

    private func document(_ key: String, expires: String) -> AWSResponse {
        .json(200, #"{"AccessKeyId":"\#(key)","SecretAccessKey":"s","Token":"t","Expiration":"\#(expires)","RoleArn":"r"}"#)
    }

    private func provider(
        _ transport: ScriptedTransport, _ environment: [String: String], files: [String: String] = [:]
    ) -> any CredentialsProvider {
        AWSSurroundings(environment: environment, readFile: { files[$0] }).credentials(transport: transport, logger: .silent)
    }

    @Test func environmentComesFirst() async throws {
        let transport = ScriptedTransport([])
        let provider = provider(
            transport,
            [
                "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B", "AWS_SESSION_TOKEN": "C",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x",
            ])
        #expect(try await provider.credentials(now: Self.now) == Credentials(accessKey: "A", secretKey: "B", sessionToken: "C"))
        #expect(transport.requests.isEmpty)
    }

    @Test func containerCredentialsAreRenewedBeforeTheyEnd() async throws {
        let transport = ScriptedTransport([
            .answer(document("first", expires: "2026-11-23T09:00:00Z")),
            .answer(document("second", expires: "2026-11-23T10:00:00Z")),
        ])
        let provider = provider(transport, ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/id"])
        #expect(try await provider.credentials(now: Self.now).accessKey == "first")
        #expect(try await provider.credentials(now: Self.now + 3_299).accessKey == "first")
        #expect(try await provider.credentials(now: Self.now + 3_300).accessKey == "second")
        #expect(
            transport.requests.map { "\($0.url)" } == [
                "http://169.254.170.2/v2/credentials/id", "http://169.254.170.2/v2/credentials/id",
            ])
    }

    @Test func oldOnesServeWhileTheEndpointIsAway() async throws {
        let transport = ScriptedTransport([.answer(document("first", expires: "2026-11-23T09:00:00Z"))])
        let provider = provider(transport, ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"])
        #expect(try await provider.credentials(now: Self.now).accessKey == "first")
        #expect(try await provider.credentials(now: Self.now + 3_500).accessKey == "first")
        await #expect(throws: AWSError.self) { try await provider.credentials(now: Self.now + 3_600) }
    }

    @Test func theTokenIsSent() async throws {
        let transport = ScriptedTransport([.answer(document("a", expires: "2026-11-23T09:00:00Z"))])
        let provider = provider(
            transport,
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/creds?a=b", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x"])
        _ = try await provider.credentials(now: Self.now)
        #expect(transport.requests.first?.fields.first { $0.name == "Authorization" }?.value == "Basic x")
        #expect(transport.requests.first.map { "\($0.url)" } == "http://127.0.0.1:9/creds?a=b")
    }

    @Test(arguments: [
        "http://127.0.0.2/x", "http://127.1:9/x", "http://[::1]/x", "http://[::1]:9/x", "http://[::ffff:127.0.0.1]/x",
        "http://localhost:9/x",
        "http://LOCALHOST/x", "http://169.254.170.2/x", "http://169.254.170.23/x", "http://[fd00:ec2::23]/x",
        "http://[FD00:EC2:0::0023]:80/x",
        "https://example.com/x",
    ])
    func theTokenGoesWhereContainersGetCredentials(_ url: String) async throws {
        let transport = ScriptedTransport([.answer(document("a", expires: "2026-11-23T09:00:00Z"))])
        let provider = provider(
            transport, ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x"])
        _ = try await provider.credentials(now: Self.now)
        #expect(transport.requests.count == 1)
    }

    @Test(arguments: [
        "http://example.com/x", "http://127.0.0.1.example.com/", "ftp://127.0.0.1/", "nonsense", "http://127.example.com/",
        "http://127./",
        "http://169.254.169.254/", "http://[64:ff9b::127.0.0.1]/", "http://[::127.0.0.1]/", "http://[::1]x/",
        "http://user@127.0.0.1/",
        "http://[2002:7f00:1::]/", "http://10.0.0.1/", "http://0.0.0.0/",
    ])
    func theTokenGoesNowhereElse(_ url: String) async {
        let transport = ScriptedTransport([.answer(document("a", expires: "2026-11-23T09:00:00Z"))])
        let provider = provider(
            transport, ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic x"])
        await #expect(throws: AWSError.self) { try await provider.credentials(now: Self.now) }
        #expect(transport.requests.isEmpty)
    }

    @Test func expiredCredentialsAreFetchedAnewWhenAServiceSaysSo() async throws {
        let endpoint = ScriptedTransport([
            .answer(document("first", expires: "2026-11-23T10:00:00Z")), .answer(.error(400, "ExpiredTokenException")),
            .answer(document("second", expires: "2026-11-23T10:00:00Z")), .answer(.json(200, #"{"taskArns":[]}"#)),
        ])
        let client = endpoint.client(environment: ["AWS_REGION": "us-east-1", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"])
        _ = try await ECS(client).listTasks(
            cluster: "c", service: "s", desiredStatus: "RUNNING", deadline: .uptimeNanoseconds(60_000_000_000))
        let signed = endpoint.requests.compactMap { $0.fields.first { $0.name == "Authorization" }?.value }
        #expect(signed.count == 2)
        #expect(signed[0].contains("Credential=first/") && signed[1].contains("Credential=second/"))
    }

    @Test func manyAskersShareOneFetch() async throws {
        let transport = ScriptedTransport([.answer(document("only", expires: "2026-11-23T10:00:00Z"))])
        let provider = provider(transport, ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"])
        let keys = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { try await provider.credentials(now: Self.now).accessKey } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(keys == ["only"])
        #expect(transport.requests.count == 1)
    }

    private static let file = """
        # people at a desk
        [default]
        aws_access_key_id = DEFAULT
        aws_secret_access_key=d/secret=
        [work]
          ; indented comment
        aws_access_key_id = WORK
        aws_secret_access_key = w
        aws_session_token = t

        """

    @Test func sharedFileByProfile() async throws {
        let files = ["/home/me/.aws/credentials": Self.file, "/home/me/.aws/config": "[profile work]\nregion = eu-west-1\n"]
        let plain = AWSSurroundings(environment: ["HOME": "/home/me"], readFile: { files[$0] })
        let transport = ScriptedTransport([])
        #expect(
            try await plain.credentials(transport: transport, logger: .silent).credentials(now: 0)
                == Credentials(accessKey: "DEFAULT", secretKey: "d/secret="))
        #expect(plain.region == nil)
        let work = AWSSurroundings(environment: ["HOME": "/home/me", "AWS_PROFILE": "work"], readFile: { files[$0] })
        #expect(try await work.credentials(transport: transport, logger: .silent).credentials(now: 0).sessionToken == "t")
        #expect(work.region == "eu-west-1")
        let none = AWSSurroundings(environment: ["AWS_PROFILE": "gone"], readFile: { _ in Self.file })
        await #expect(throws: AWSError.self) {
            try await none.credentials(transport: transport, logger: .silent).credentials(now: 0)
        }
    }

    @Test(arguments: [
        (AWSService.ecs, "eu-west-1", "https://ecs.eu-west-1.amazonaws.com/", "eu-west-1"),
        (.cloudWatch, "cn-north-1", "https://monitoring.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
        (.route53, "eu-west-1", "https://route53.amazonaws.com/", "us-east-1"),
    ])
    func endpoints(_ service: AWSService, _ region: String, _ url: String, _ scope: String) throws {
        let endpoint = try AWSSurroundings(environment: ["AWS_REGION": region], readFile: { _ in nil }).endpoint(service)
        #expect("\(endpoint.url)" == url)
        #expect(endpoint.region == scope)
    }

    @Test func endpointOverrides() throws {
        let surroundings = AWSSurroundings(
            environment: [
                "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://localhost:5000",
                "AWS_ENDPOINT_URL_CLOUDWATCH": "http://localhost:80/base",
            ], readFile: { _ in nil })
        #expect(try surroundings.endpoint(.ecs).url.host == "localhost:5000")
        #expect(try "\(surroundings.endpoint(.cloudWatch).url)" == "http://localhost/base")
        #expect(throws: AWSError.self) { try AWSSurroundings(environment: [:], readFile: { _ in nil }).endpoint(.ecs) }
        #expect(throws: AWSError.self) {
            try AWSSurroundings(environment: ["AWS_REGION": "x.evil.com/"], readFile: { _ in nil }).endpoint(.ecs)
        }
    }
}
