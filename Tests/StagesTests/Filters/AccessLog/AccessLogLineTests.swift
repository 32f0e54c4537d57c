import Foundation
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Filters
@testable import HTTPMessages
@testable import Pipeline
@testable import Platform

@Suite struct AccessLogLineTests {
    private let loop = EmbeddedEventLoop()

    private func exchange(_ request: RequestHead, user: String? = nil, failing: Failure? = nil) -> Exchange {
        let shard = Shard(loop: loop, group: loop, index: 0, logger: Logger(label: "test"))
        let client = Inbound(channel: EmbeddedChannel(loop: loop), remote: "192.0.2.1:4711")
        let exchange = Exchange(request, from: ExchangeSource(), client: client, on: shard)
        exchange.identity = user.map { Identity(name: $0, method: "basic") }
        if let failing {
            exchange.abortResponse(failing)
        } else {
            exchange.answer(LocalResponse(status: 200, body: "hello"))
        }
        return exchange
    }

    private func line(_ format: AccessLogFormat, _ privacy: AccessLogPrivacy, _ exchange: Exchange) -> String {
        var line = LineBuffer()
        AccessLogLine(format: format, privacy: privacy).write(exchange, into: &line)
        return String(decoding: line.bytes, as: UTF8.self)
    }

    private static let request = RequestHead(
        method: "GET", scheme: .http, authority: "example.com:8080", path: "/secret/path?token=1",
        fields: HeaderFields([
            ("User-Agent", "curl/8 \"x\""), ("Referer", "http://a.example/b?secret=2"), ("Cookie", "secret-cookie"),
        ]))

    private func members(_ privacy: AccessLogPrivacy, _ exchange: Exchange) throws -> [String: Any] {
        let text = line(.json, privacy, exchange)
        #expect(text.hasSuffix("}}\n") && text.filter { $0 == "\n" }.count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect((object["time"] as? String)?.wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
        return try #require(object["exchange"] as? [String: Any])
    }

    @Test func eachLevelTellsNoMoreThanItSays() throws {
        let exchange = exchange(Self.request, user: "ann")
        let none = try members(.none, exchange)
        #expect(Set(none.keys) == ["id", "method", "status", "received", "sent", "microseconds"])
        let host = try members(.host, exchange)
        #expect(Set(host.keys) == Set(none.keys).union(["client", "remote", "host"]))
        #expect(host["host"] as? String == "example.com:8080")
        #expect(host["client"] as? String == "ann")
        let path = try members(.path, exchange)
        #expect(Set(path.keys) == Set(host.keys).union(["path", "user-agent", "referer"]))
        #expect(path["path"] as? String == "/secret/path")
        #expect(path["referer"] as? String == "http://a.example/b")
        #expect(path["sent"] as? Int == 5)
        for format in AccessLogFormat.allCases {
            #expect(!line(format, .none, exchange).contains("example.com"))
            #expect(!line(format, .none, exchange).contains("192.0.2.1"))
            #expect(!line(format, .host, exchange).contains("secret"))
            #expect(!line(format, .path, exchange).contains("token"))
            #expect(!line(format, .path, exchange).contains("cookie"))
        }
    }

    @Test func aFailureIsNamed() throws {
        let failed = try members(.none, exchange(Self.request, failing: Failure(.timeout, "slow")))
        #expect(failed["failure"] as? String == "timeout")
        #expect(failed["status"] as? Int == 504)
    }

    @Test func combinedIsWhatLogReadersExpect() {
        let pattern = #/^(\S+) - (\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] "(.*)" (\d+) (\d+) "(.*)" "(.*)"\n$/#
        func parts(_ privacy: AccessLogPrivacy, _ exchange: Exchange) -> [String] {
            guard let match = line(.combined, privacy, exchange).wholeMatch(of: pattern)?.output else { return [] }
            return [match.1, match.2, match.3, match.4, match.5, match.6, match.7].map(String.init)
        }
        let exchange = exchange(Self.request, user: "ann b")
        #expect(parts(.none, exchange) == ["-", "-", "GET - HTTP/1.1", "200", "5", "-", "-"])
        #expect(
            parts(.host, exchange) == [
                "192.0.2.1", #"ann\x20b"#, "GET http://example.com:8080 HTTP/1.1", "200", "5", "-", "-",
            ])
        #expect(
            parts(.path, exchange) == [
                "192.0.2.1", #"ann\x20b"#, "GET http://example.com:8080/secret/path HTTP/1.1", "200", "5",
                "http://a.example/b", #"curl/8 \"x\""#,
            ])
        let tunnel = RequestHead(
            kind: .tunnel, method: "CONNECT", scheme: .none, authority: "example.com:443", path: "", body: .unknown)
        #expect(parts(.host, self.exchange(tunnel))[2] == "CONNECT example.com:443 HTTP/1.1")
    }

    @Test(arguments: AccessLogFormat.allCases)
    func hostileBytesStayOnTheirLine(_ format: AccessLogFormat) {
        var request = Self.request
        request.path = "/a\"b\\c\r\nforged line\u{1B}[31m\u{85}\u{2028}"
        request.method = "G\"ET"
        let text = line(format, .path, exchange(request, user: "ev\"il\nuser"))
        #expect(text.utf8.filter { $0 < 0x20 || $0 == 0x7F } == [0x0A])
        if format == .combined { #expect(text.utf8.allSatisfy { $0 < 0x7F }) }
        if format == .json { #expect((try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil) }
    }
}
