import ControlStages
import Foundation
import HTTPMessages
import NIOCore
import Testing

/// Events in the public formats, and events that are none.
@Suite struct LambdaEventTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/events")

    private static func event(_ name: String) throws -> [UInt8] { try Array(Data(contentsOf: folder.appendingPathComponent(name))) }

    struct Expected: Sendable, CustomTestStringConvertible {
        var file: String
        var origin: LambdaEvent.Origin
        var method: String
        var path: String
        var body = ""
        var remote: String
        /// Whether AWS let in only who may.
        var isAuthenticated = true
        var testDescription: String { file }
    }

    static let samples: [Expected] = [
        .init(file: "rest-v1-wake.json", origin: .gatewayV1, method: "POST", path: "/wake", remote: "203.0.113.10"),
        .init(file: "rest-v1-wake-get.json", origin: .gatewayV1, method: "GET", path: "/wake", remote: "203.0.113.10"),
        .init(
            file: "rest-v1-wake-query.json", origin: .gatewayV1, method: "POST", path: "/wake?dry=1&tag=a&tag=b",
            remote: "203.0.113.10"),
        .init(
            file: "rest-v1-wake-base64-body.json", origin: .gatewayV1, method: "POST", path: "/wake", body: #"{"reason":"agent"}"#,
            remote: "203.0.113.10"),
        .init(
            file: "rest-v1-kill.json", origin: .gatewayV1, method: "POST", path: "/kill", body: #"{"reason":"operator"}"#,
            remote: "203.0.113.10"),
        .init(
            file: "http-v2-wake.json", origin: .gatewayV2, method: "POST", path: "/wake", remote: "203.0.113.10",
            isAuthenticated: false),
        .init(
            file: "http-v2-kill.json", origin: .gatewayV2, method: "POST", path: "/kill", body: #"{"reason":"operator"}"#,
            remote: "203.0.113.10", isAuthenticated: false),
        .init(
            file: "function-url-wake.json", origin: .gatewayV2, method: "POST", path: "/wake", remote: "203.0.113.10",
            isAuthenticated: false),
        .init(
            file: "function-url-kill-iam.json", origin: .gatewayV2, method: "POST", path: "/", body: #"{"reason":"operator"}"#,
            remote: "203.0.113.10"),
        .init(
            file: "eventbridge-rule-scheduled.json", origin: .schedule, method: "POST", path: "/", remote: "Scheduled Event"),
        .init(
            file: "eventbridge-ecs-task-state-change.json", origin: .schedule, method: "POST", path: "/",
            remote: "ECS Task State Change"),
        .init(file: "scheduler-default-input.json", origin: .schedule, method: "POST", path: "/", remote: "Scheduled Event"),
        .init(file: "scheduler-context-input.json", origin: .schedule, method: "POST", path: "/", remote: "Scheduled Event"),
        .init(
            file: "scheduler-custom-input.json", origin: .schedule, method: "POST", path: "/", body: #"{"reason":"nightly"}"#,
            remote: "Scheduled Event"),
        .init(file: "direct-empty.json", origin: .direct, method: "POST", path: "/", remote: "direct"),
        .init(file: "direct-null.json", origin: .direct, method: "POST", path: "/", remote: "direct"),
        .init(file: "direct-wake.json", origin: .direct, method: "POST", path: "/wake", remote: "direct"),
    ]

    @Test(arguments: samples)
    func sample(_ expected: Expected) throws {
        let event = try LambdaEvent(Self.event(expected.file))
        #expect(event.origin == expected.origin)
        #expect(event.head.method == expected.method)
        #expect(event.head.path == expected.path)
        #expect(String(buffer: event.body) == expected.body)
        #expect(event.remote == expected.remote)
        #expect(event.isAuthenticated == expected.isAuthenticated)
        #expect(!event.head.fields.contains("content-length") && !event.head.fields.contains("host"))
    }

    @Test func everySampleIsTested() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { !$0.hasPrefix("README") }
        #expect(Set(files) == Set(Self.samples.map(\.file)).union(["direct-not-json.txt"]))
    }

    /// Why a function is invoked, as whoever invokes it says it, and the action.
    @Test(
        arguments: [
            (#"{"action":"kill","reason":"nightly"}"#, "/kill", #"{"reason":"nightly"}"#),
            (#"{"reason":"month's end"}"#, "/", #"{"reason":"month's end"}"#),
            (#"{"schedule":"arn","source":"mine"}"#, "/", #"{"reason":"mine"}"#),
            (#"{"detail-type":"Scheduled Event","source":"aws.events"}"#, "/", ""), (#"{"action":"kill","reason":5}"#, "/kill", ""),
        ])
    func reasons(_ event: String, _ path: String, _ body: String) throws {
        let read = try LambdaEvent(Array(event.utf8))
        #expect(read.head.path == path && String(buffer: read.body) == body)
        #expect(read.head.body == (body.isEmpty ? .none : .known(Int64(body.utf8.count))))
    }

    @Test func fieldsComeAsTheyWereSent() throws {
        let event = try LambdaEvent(Self.event("rest-v1-kill.json"))
        #expect(event.head.fields["x-api-key"] == ["EXAMPLEKEYEXAMPLEKEYEXAMPLEKEY12"])
        #expect(event.head.authority == "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com")
    }

    @Test(arguments: [
        (#"not JSON"#, false), (#"{"httpMethod":"POST"}"#, false), (#"{"httpMethod":"PO ST","path":"/"}"#, true),
        (#"{"httpMethod":"POST","path":"wake"}"#, true), (#"{"httpMethod":"POST","path":"/ wake"}"#, true),
        (#"{"httpMethod":"POST","path":"/","body":"%%%","isBase64Encoded":true}"#, true),
        (#"{"httpMethod":"POST","path":"/","headers":{"a b":"c"}}"#, true),
        (#"{"httpMethod":"POST","path":"/","headers":{"a":"b\r\nc: d"}}"#, true),
        (#"{"requestContext":{"http":{"method":"GET"}},"rawPath":"/a\u0000"}"#, true), (#"{"action":"../../etc"}"#, false),
        (#"{"action":{"a":1}}"#, false), ("", false),
    ])
    func malformed(_ text: String, _ isHTTP: Bool) {
        let error = #expect(throws: LambdaEvent.Malformed.self) { try LambdaEvent(Array(text.utf8)) }
        #expect(error?.origin.isHTTP == isHTTP)
        guard let error else { return }
        switch LambdaReply(error) {
        case .failure(let type, _): #expect(!isHTTP && type == "bad_event")
        case .response(let bytes): #expect(isHTTP && String(decoding: bytes, as: UTF8.self).contains(#""statusCode":400"#))
        }
    }

    @Test(arguments: ["[]", "7", "true", #""text""#, "{\"action\":null}", #"{"other":1}"#])
    func anythingElseIsADirectInvocation(_ text: String) throws {
        #expect(try LambdaEvent(Array(text.utf8)).head.path == "/")
    }

    /// Whatever byte of a sample is changed or cut off, it is an event or malformed.
    @Test(arguments: samples.map(\.file))
    func mutated(_ file: String) throws {
        let bytes = try Self.event(file)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? LambdaEvent(changed)
            _ = try? LambdaEvent(Array(bytes.prefix(Int.random(in: 0..<bytes.count, using: &generator))))
        }
    }

    // MARK: - Answers

    private func object(_ reply: LambdaReply) throws -> NSDictionary {
        guard case .response(let bytes) = reply else { throw CancellationError() }
        return try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
    }

    private static func head(_ status: Int, _ fields: [(String, String)] = [("Content-Type", "application/json")]) -> ResponseHead {
        ResponseHead(status: status, fields: HeaderFields(fields))
    }

    @Test(arguments: [LambdaEvent.Origin.gatewayV1, .gatewayV2])
    func httpAnswers(_ origin: LambdaEvent.Origin) throws {
        let body = ByteBuffer(string: #"{"a":1}"#)
        #expect(
            try object(LambdaReply(Self.head(404), body, to: origin)) == [
                "statusCode": 404, "headers": ["Content-Type": "application/json"], "body": #"{"a":1}"#, "isBase64Encoded": false,
            ])
        #expect(
            try object(LambdaReply(Self.head(200, [("A", "1"), ("a", "2")]), ByteBuffer(bytes: [0xFF, 0]), to: origin)) == [
                "statusCode": 200, "headers": ["A": "1, 2"], "body": "/wA=", "isBase64Encoded": true,
            ])
    }

    @Test func cookiesAreNotJoined() throws {
        let head = Self.head(200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        #expect(try object(LambdaReply(head, ByteBuffer(), to: .gatewayV2))["cookies"] as? [String] == ["a=1", "b=2"])
        let multi = try object(LambdaReply(head, ByteBuffer(), to: .gatewayV1))["multiValueHeaders"] as? [String: [String]]
        #expect(multi == ["Set-Cookie": ["a=1", "b=2"]])
    }

    @Test(arguments: [LambdaEvent.Origin.direct, .schedule])
    func answersThatAreNoHTTP(_ origin: LambdaEvent.Origin) throws {
        let good = LambdaReply(Self.head(200), ByteBuffer(string: #"{"status":"killed"}"#), to: origin)
        #expect(good == .response(Array(#"{"status":"killed"}"#.utf8)))
        let bad = LambdaReply(Self.head(503), ByteBuffer(string: #"{"code":"aws_throttled","message":"later"}"#), to: origin)
        #expect(bad == .failure(type: "aws_throttled", message: "later"))
        #expect(LambdaReply(Self.head(500), ByteBuffer(string: "text"), to: origin) == .failure(type: "Status500", message: ""))
        let text = LambdaReply(Self.head(200, [("Content-Type", "text/plain")]), ByteBuffer(string: "hi"), to: origin)
        #expect(text == .response(Array(#""hi""#.utf8)))
    }
}
