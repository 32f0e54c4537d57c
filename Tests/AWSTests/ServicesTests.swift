import AWS
import NIOCore
import Testing

@Suite struct ServicesTests {
    private static let later = NIODeadline.uptimeNanoseconds(60_000_000_000)

    @Test func aMissingServiceIsNone() async throws {
        let transport = ScriptedTransport([.answer(.json(200, #"{"services":[],"failures":[{"arn":"x","reason":"MISSING"}]}"#))])
        #expect(try await ECS(transport.client()).describeService(cluster: "c", service: "s", deadline: Self.later) == nil)
    }

    @Test func aServiceWithTimesOfBothForms() async throws {
        let body = #"""
            {"services":[{"serviceName":"s","status":"ACTIVE","desiredCount":1,"runningCount":0,"pendingCount":1,
            "deployments":[{"status":"PRIMARY","createdAt":1795420800.5,"updatedAt":"2026-11-23T08:00:01Z","later":{}}],
            "tags":[{"key":"a","value":"b"}]}]}
            """#
        let transport = ScriptedTransport([.answer(.json(200, body))])
        let service = try #require(
            try await ECS(transport.client()).describeService(cluster: "c", service: "s", deadline: Self.later))
        #expect(service.deployments?.first?.createdAt == Instant(1_795_420_800.5))
        #expect(service.deployments?.first?.updatedAt == Instant(1_795_420_801))
        #expect(service.tag("a") == "b")
    }

    @Test func metricsComeOverSeveralPages() async throws {
        let first = #"""
            {"MetricDataResults":[{"Id":"m0","Timestamps":[120],"Values":[2],"StatusCode":"PartialData"},
            {"Id":"m1","Timestamps":[],"Values":[],"StatusCode":"Complete"}],"NextToken":"more"}
            """#
        let second = #"{"MetricDataResults":[{"Id":"m0","Timestamps":[60],"Values":[1],"StatusCode":"Complete"},{"Id":"x9"}]}"#
        let transport = ScriptedTransport([.answer(.json(200, first)), .answer(.json(200, second))])
        let series = try await CloudWatch(transport.client()).getMetricData(
            namespace: "Fluidity", [.init("A", [], "Maximum"), .init("B", [], "Maximum")], from: 0, to: 180, period: 60,
            deadline: Self.later)
        #expect(series.points == [[.init(time: 60, value: 1), .init(time: 120, value: 2)], []])
        #expect(series.isComplete)
        #expect(String(decoding: transport.requests[1].body, as: UTF8.self).contains(#""NextToken":"more""#))
    }

    @Test func dataThatStayPartialSaySo() async throws {
        let page = #"{"MetricDataResults":[{"Id":"m0","Timestamps":[60],"Values":[1],"StatusCode":"PartialData"}]}"#
        let transport = ScriptedTransport([.answer(.json(200, page))])
        let series = try await CloudWatch(transport.client()).getMetricData(
            namespace: "Fluidity", [.init("A", [], "Maximum")], from: 0, to: 180, period: 60, deadline: Self.later)
        #expect(!series.isComplete)
    }

    @Test func endlessPagesEnd() async throws {
        let page = AWSResponse.json(200, #"{"MetricDataResults":[],"NextToken":"again"}"#)
        let transport = ScriptedTransport([ScriptedTransport.Step](repeating: .answer(page), count: 50))
        let series = try await CloudWatch(transport.client()).getMetricData(
            namespace: "Fluidity", [.init("A", [], "Maximum")], from: 0, to: 180, period: 60, deadline: Self.later)
        #expect(!series.isComplete)
        #expect(transport.requests.count == 20)
    }

    @Test func manyValuesGoInBatches() async throws {
        let transport = ScriptedTransport([.answer(.json(200, "")), .answer(.json(200, "{}"))])
        let data = (0..<1_001).map { CloudWatch.Datum("A", [], Double($0), .count, at: 0) }
        try await CloudWatch(transport.client()).putMetricData(namespace: "Fluidity", data, deadline: Self.later)
        #expect(transport.requests.count == 2)
    }

    @Test func networkInterfaces() async throws {
        let xml = """
            <?xml version="1.0" encoding="UTF-8"?>
            <DescribeNetworkInterfacesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>
            <networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><privateIpAddress>10.0.0.1</privateIpAddress>
            <association><publicIp>203.0.113.7</publicIp></association><tagSet/></item>
            <item><networkInterfaceId>eni-2</networkInterfaceId></item></networkInterfaceSet></DescribeNetworkInterfacesResponse>
            """
        let transport = ScriptedTransport([.answer(.json(200, xml))])
        let found = try await EC2(transport.client()).describeNetworkInterfaces(["eni-1", "eni-2"], deadline: Self.later)
        #expect(
            found == [
                .init(id: "eni-1", publicAddress: "203.0.113.7", privateAddress: "10.0.0.1"),
                .init(id: "eni-2", publicAddress: nil, privateAddress: nil),
            ])
        #expect(
            String(decoding: transport.requests[0].body, as: UTF8.self).hasSuffix(
                "&NetworkInterfaceId.1=eni-1&NetworkInterfaceId.2=eni-2"))
    }

    @Test func ec2ErrorsAreXML() async {
        let xml =
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>a &amp; b</Message></Error></Errors></Response>"
        let transport = ScriptedTransport([.answer(.json(403, xml))])
        let error = await #expect(throws: AWSError.self) {
            try await EC2(transport.client()).describeNetworkInterfaces(["eni-1"], deadline: Self.later)
        }
        #expect(error == AWSError(.service(name: "UnauthorizedOperation", status: 403), "a & b"))
    }

    @Test func aRecordIsWritten() async throws {
        let transport = ScriptedTransport([.answer(.json(200, "<ChangeInfo/>"))])
        try await Route53(transport.client()).upsert(
            .init(name: "tunnel.example.org", addresses: ["203.0.113.7"], timeToLive: 30), zone: "/hostedzone/Z1",
            deadline: Self.later)
        #expect(transport.requests[0].url.path == "/2013-04-01/hostedzone/Z1/rrset")
        let root = try XMLElement(transport.requests[0].body)
        #expect(root.firstText("Action") == "UPSERT" && root.firstText("Type") == "A" && root.firstText("Value") == "203.0.113.7")
    }

    @Test(arguments: [
        "", "text", "<a>", "<a></b>", "</a>", "<a>&undefined;</a>", "<a/><b/>", "<a b='",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        String(repeating: "<a>", count: 100),
    ])
    func malformedXML(_ text: String) {
        #expect(throws: XMLElement.Malformed.self) { try XMLElement(Array(text.utf8)) }
    }

    /// Whatever is cut off or changed, the reader ends with a value or an error.
    @Test func mutatedXML() {
        let text = Array(#"<a x="1"><!-- c --><b>t&#x41;&lt;</b><c/><![CDATA[<]]></a>"#.utf8)
        var generator = SystemRandomNumberGenerator()
        for length in 0..<text.count { #expect(throws: XMLElement.Malformed.self) { try XMLElement(Array(text.prefix(length))) } }
        for _ in 0..<20_000 {
            var bytes = text
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? XMLElement(bytes)
        }
    }
}
