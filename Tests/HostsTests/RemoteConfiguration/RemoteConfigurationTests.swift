import AWS
import Logging
import NIOCore
import RemoteConfiguration
import Synchronization
import Testing

@Suite struct RemoteConfigurationTests {
    @Test(
        arguments: [
            ("ssm:/fluidity/server.yaml", TextSource.parameter("/fluidity/server.yaml")),
            ("secret:fluidity/key", .secret("fluidity/key")), ("ssm:", nil), ("secret: a", nil), ("server.yaml", nil),
            ("./ssm:a", nil), ("", nil), ("-----BEGIN CERTIFICATE-----", nil),
        ] as [(String, TextSource?)])
    func places(_ text: String, _ place: TextSource?) {
        #expect(TextSource(text) == place)
        if let place { #expect(place.description == text) }
    }

    @Test func whatIsNamedAndWhereItGoes() throws {
        #expect(RemoteTexts(path: "server.yaml", environment: ["FLUIDITY_KEY": "key.pem", "OTHER": "secret:a"]) == nil)
        let texts = try #require(
            RemoteTexts(path: "ssm:/a", environment: ["FLUIDITY_KEY": "secret:k", "FLUIDITY_CA": "secret:k", "X": "1"]))
        #expect(texts.sources == [.parameter("/a"), .secret("k")])
        let environment = texts.environment(with: [.secret("k"): "PEM", .parameter("/a"): "pipeline: []"])
        #expect(environment == ["FLUIDITY_KEY": "PEM", "FLUIDITY_CA": "PEM", "X": "1"])
    }

    private static let old: [TextSource: String] = [.parameter("/a"): "1", .secret("k"): "x"]
    private static let new: [TextSource: String] = [.parameter("/a"): "2", .secret("k"): "x"]

    @Test func looks() {
        var looks = RemoteLooks(Self.old)
        #expect(looks.found(Self.old) == .nothing)
        #expect(looks.found(Self.new) == .reload)
        #expect(looks.texts == Self.new)
        #expect(looks.found(Self.new) == .nothing)
        // A failure is told once, and changes nothing.
        #expect(looks.failed("denied") == .warn("denied"))
        #expect(looks.failed("denied") == .nothing)
        #expect(looks.texts == Self.new)
        #expect(looks.found(Self.new) == .recovered)
        #expect(looks.found(Self.new) == .nothing)
        // What has changed meanwhile is more than that it can be read.
        #expect(looks.failed("denied") == .warn("denied"))
        #expect(looks.found(Self.old) == .reload)
        #expect(looks.failed("denied") == .warn("denied"))
    }

    /// AWS with one parameter and one secret, either of which may be missing.
    private final class Fake: AWSTransport {
        let values = Mutex(["/a": "1", "k": "x"])

        func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
            let body = String(decoding: request.body, as: UTF8.self)
            let values = values.withLock(\.self)
            if request.fields.contains(where: { $0.value == "AmazonSSM.GetParameter" }) {
                guard body.contains("\"WithDecryption\":true"), let value = values["/a"] else { return Self.missing }
                return AWSResponse(status: 200, body: Array(#"{"Parameter":{"Name":"/a","Value":"\#(value)"}}"#.utf8))
            }
            guard body.contains("\"SecretId\":\"k\""), let value = values["k"] else { return Self.missing }
            return AWSResponse(status: 200, body: Array(#"{"Name":"k","SecretString":"\#(value)"}"#.utf8))
        }

        private static let missing = AWSResponse(status: 400, body: Array(#"{"__type":"ParameterNotFound","message":"gone"}"#.utf8))

        var client: AWSClient {
            let keys = ["AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"]
            return AWSClient(
                surroundings: AWSSurroundings(environment: keys, readFile: { _ in nil }), transport: self,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
    }

    @Test func aChangeIsTold() async throws {
        let fake = Fake()
        let wanted = try #require(RemoteTexts(path: "ssm:/a", environment: ["FLUIDITY_KEY": "secret:k"]))
        let reader = try await RemoteReader(wanted, client: fake.client)
        #expect(reader.text == "1")
        #expect(reader.environment == ["FLUIDITY_KEY": "x"])
        let watch = Task {
            await reader.watch(every: .milliseconds(1), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        fake.values.withLock { $0["k"] = "y" }
        for await _ in reader.changes { break }
        #expect(reader.environment == ["FLUIDITY_KEY": "y"])
        // Half of it is none of it.
        fake.values.withLock { $0 = ["/a": "2"] }
        for _ in 0..<20 { await Task.yield() }
        #expect(reader.text == "1")
        fake.values.withLock { $0 = ["/a": "2", "k": "z"] }
        for await _ in reader.changes { break }
        #expect(reader.text == "2")
        #expect(reader.environment == ["FLUIDITY_KEY": "z"])
        watch.cancel()
        await watch.value
    }

    @Test func whatCannotBeReadAtTheStart() async throws {
        let fake = Fake()
        fake.values.withLock { $0 = [:] }
        let wanted = try #require(RemoteTexts(path: "ssm:/a", environment: [:]))
        await #expect(throws: AWSError(.service(name: "ParameterNotFound", status: 400), "'ssm:/a' can't be read: gone")) {
            try await RemoteReader(wanted, client: fake.client)
        }
    }
}
