import Pipeline
import Testing

@testable import TunnelStages

/// RFC 9110, 7.6 and 7.6.3.
@Suite struct ViaFieldTests {
    private func request(_ via: [String], kind: RequestKind = .plain) -> RequestHead {
        RequestHead(
            kind: kind, method: "GET", scheme: .http, authority: "a", path: "/", fields: HeaderFields(via.map { ("via", $0) }))
    }

    @Test(
        arguments: [
            ([], 1, ["1.1 p"]), (["1.0 a, 1.1 b (c)"], 0, ["1.0 a, 1.1 b (c)", "1.0 p"]), (["1.1 pp"], 1, ["1.1 pp", "1.1 p"]),
            (["p"], 1, ["p", "1.1 p"]), (["1.1 (p)"], 1, ["1.1 (p)", "1.1 p"]),
        ] as [([String], Int, [String])])
    func `What goes on`(_ values: [String], _ minorVersion: Int, _ expected: [String]) throws {
        let via = try #require(ViaField(ViaName("p"), mode: .proxy))
        var head = request(values)
        #expect(via.pass(&head, minorVersion: minorVersion) == nil && head.fields["Via"] == expected)
    }

    @Test(arguments: [["1.1 p"], ["1.0 P (x)"], ["1.1 a", "HTTP/1.1\tp , 1.1 b"]])
    func `What has come round`(_ values: [String]) throws {
        let via = try #require(ViaField(ViaName("p"), mode: .origin))
        var head = request(values)
        #expect(via.pass(&head, minorVersion: 1)?.head.status == 508)
        // What goes through a tunnel is its ends' own.
        var tunnel = request(values, kind: .tunnel)
        #expect(via.pass(&tunnel, minorVersion: 1) == nil && tunnel.fields["Via"] == values)
    }

    @Test func `Responses of a proxy say it, of a gateway they don't`() throws {
        for (mode, expected) in [(HTTPMode.proxy, ["1.0 a", "1.1 p"]), (.origin, ["1.0 a"])] {
            var head = ResponseHead(status: 200, fields: HeaderFields([("Via", "1.0 a")]))
            try #require(ViaField(ViaName("p"), mode: mode)).pass(&head)
            #expect(head.fields["Via"] == expected)
        }
    }

    @Test func `A proxy is silent by default, and a gateway sees its own requests`() throws {
        #expect(ViaField(nil, mode: .proxy) == nil && ViaField(ViaName.unsaid, mode: .proxy) == nil)
        #expect(ViaField(ViaName.unsaid, mode: .origin) == nil)
        var head = request([])
        // The second may be another event loop's, or the next generation's.
        let (first, second) = try (#require(ViaField(nil, mode: .origin)), #require(ViaField(nil, mode: .origin)))
        #expect(first.pass(&head, minorVersion: 1) == nil)
        #expect(second.pass(&head, minorVersion: 1)?.head.status == 508)
    }

    @Test(arguments: ["", "a b", "a,b", "a:80", "ü", String(repeating: "a", count: 65)]) func `No name`(_ text: String) {
        #expect(throws: InvalidValue.self) { try ViaName(configured: text) }
        #expect(!ViaName(text).problems().isEmpty)
    }

    @Test(arguments: ["none", "proxy-1", "a.example"]) func `A name`(_ text: String) throws {
        let name = try ViaName(configured: text)
        #expect(name.printed == text && (name.pseudonym == nil) == (text == "none") && name.problems().isEmpty)
    }
}
