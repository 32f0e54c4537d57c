import HTTPMessages
import Pipeline
import Testing

@Suite struct HeadersTests {
    private func request(_ fields: [(String, String)]) -> RequestHead {
        RequestHead(method: "GET", scheme: .http, authority: "example.com:8080", path: "/", fields: HeaderFields(fields))
    }

    private func shown(_ fields: HeaderFields?) -> [String] { (fields?.list ?? []).map { "\($0.name): \($0.value)" } }

    @Test func requestsAreRenamedThenRemovedThenSetThenAddedTo() throws {
        let bench = try FilterBench(
            """
            headers:
                  request:
                    rename: { X-Old: X-New }
                    remove: [Cookie]
                    set: { X-User: "{identity} by {identity-method}", X-From: "{client}" }
                    add: { X-New: "for {host} {{braces}" }
            """)
        bench.open(
            request([("x-old", "1"), ("Cookie", "a"), ("X-Old", "2"), ("x-user", "forged"), ("X-USER", "again")]),
            from: "[2001:db8::1]:99", identity: Identity(name: "alice", method: "basic"))
        #expect(
            shown(bench.sink.last?.exchange.request.fields) == [
                "X-New: 1", "X-New: 2", "X-User: alice by basic", "X-From: 2001:db8::1", "X-New: for example.com {braces}",
            ])
    }

    @Test func responsesAreChangedAndInformationalOnesAreNot() throws {
        let bench = try FilterBench("headers: { response: { set: { X-Request: \"{request-id}\" }, remove: [Server] } }")
        let source = bench.open()
        let end = try #require(bench.sink.last)
        end.exchange.sendResponseHead(ResponseHead(status: 103, fields: HeaderFields([("Server", "a")])))
        end.respond(200, fields: [("Server", "a"), ("Via", "b")], body: "x")
        #expect(shown(source.heads.first?.fields) == ["Server: a"])
        #expect(shown(source.heads.last?.fields) == ["Via: b", "X-Request: \(end.exchange.id)"])
        #expect(source.body == "x" && source.ended)
    }

    @Test(arguments: [
        ("off", ["X-Forwarded-For: 1.1.1.1", "Forwarded: for=1.1.1.1"]),
        ("append", ["Forwarded: for=1.1.1.1", "X-Forwarded-For: 1.1.1.1, 192.0.2.1"]),
        ("replace", ["X-Forwarded-For: 192.0.2.1"]), ("remove", []),
    ])
    func forwardedFor(_ policy: String, _ expected: [String]) throws {
        let bench = try FilterBench("headers: { forwarded-for: \(policy) }")
        bench.open(request([("X-Forwarded-For", "1.1.1.1"), ("Forwarded", "for=1.1.1.1")]))
        #expect(shown(bench.sink.last?.exchange.request.fields) == expected)
    }

    /// Bytes that are no text stay as they are (RFC 9110, 5.5), wherever a value is written back.
    @Test func bytesStayAsTheyAre() throws {
        let latin = [UInt8](0x80...0xFF) + Array("café".utf8)
        func field(_ name: String, _ fields: HeaderFields?) -> [[UInt8]] {
            var values: [[UInt8]] = []
            fields?.forEach { if HTTPGrammar.equal($0, name) { values.append(Array($1)) } }
            return values
        }
        var fields = HeaderFields([("X-Other", "1")])
        for name in ["X-Old", "X-Forwarded-For", "x-old"] {
            Array(name.utf8).withUnsafeBytes { name in latin.withUnsafeBytes { _ = fields.append(name: name, value: $0) } }
        }
        let bench = try FilterBench(
            "headers: { request: { rename: { X-Old: X-New } }, response: { rename: { X-Old: X-New } }, forwarded-for: append }")
        var head = request([])
        head.fields = fields
        let source = bench.open(head)
        let passed = bench.sink.last?.exchange.request.fields
        #expect(field("X-New", passed) == [latin, latin] && passed?.count == 4)
        #expect(field("X-Forwarded-For", passed) == [latin + Array(", 192.0.2.1".utf8)])
        bench.sink.last?.exchange.sendResponseHead(ResponseHead(status: 200, fields: fields))
        #expect(field("X-New", source.heads.last?.fields) == [latin, latin])
    }

    /// A name that came from a token or a certificate can't end the field and begin another.
    @Test func whatIsNoValueLeavesTheFieldOut() throws {
        let bench = try FilterBench("headers: { request: { set: { X-User: \"{identity}\", X-Other: ok } } }")
        bench.open(request([("X-User", "forged")]), identity: Identity(name: "a\r\nX-Admin: yes", method: "jwt"))
        #expect(shown(bench.sink.last?.exchange.request.fields) == ["X-Other: ok"])
    }
}
