import ConfigurationLanguage
import Pipeline
import Testing
import TunnelStages

@testable import CommandLineInterface

@Suite struct DoctorTests {
    @Test(
        arguments: [
            ("http://speed.example/100MB", "speed.example", "/100MB"), ("HTTP://speed.example:8080", "speed.example:8080", "/"),
            ("http://[::1]:80/a?b=c#d", "[::1]:80", "/a?b=c"), ("http://a?b", "a", "/?b"),
        ])
    func `Where throughput is measured`(url: String, authority: String, path: String) throws {
        let target = try #require(ThroughputTarget(url))
        #expect(target.authority == authority && target.path == path)
    }

    @Test(arguments: ["https://speed.example/", "speed.example", "", "http://", "http:///path", "http://a b/", "http://a:99999/"])
    func `Where it can't be`(url: String) { #expect(ThroughputTarget(url) == nil) }

    @Test(
        arguments: [
            (Duration.microseconds(40), "0.0 ms"), (.microseconds(1_250), "1.3 ms"), (.milliseconds(99), "99.0 ms"),
            (.milliseconds(1_234), "1234 ms"), (.seconds(12), "12 s"),
        ])
    func `Times for people`(time: Duration, text: String) { #expect(time.rounded == text) }

    @Test func `A line, and the same for programs`() {
        let finding = Finding(.tls, .problem, "it is \"broken\"", in: .milliseconds(12), on: "proxy:1")
        #expect(finding.line == "PROBLEM tls           [proxy:1] it is \"broken\" (12.0 ms)")
        #expect(
            finding.json
                == .members([
                    "step": .text("tls"), "state": .text("problem"), "way": .text("proxy:1"), "text": .text("it is \"broken\""),
                    "milliseconds": .number("12.0"),
                ]))
    }

    /// What hasn't been allowed is tried only where a proxy has offered it, and nothing is tried that is configured already.
    @Test func `What else may be tried`() {
        var connect = ConnectConfiguration()
        func keys(_ text: String) -> [String] {
            Alternative.all(connect, findings: [Finding(.proxy, .problem, text)]).filter { $0.value != "environment" }
                .map { "\($0.key) \($0.value)" }
        }
        #expect(keys("the connection was refused") == [])
        connect.via = .proxy(host: "proxy.example", port: 3128)
        #expect(keys("the connection was refused") == ["via direct"])
        #expect(
            keys("wants Negotiate or NTLM (407), and 'via-auth' allows only Basic; add 'negotiate' or 'ntlm' to it")
                == ["via-auth negotiate", "via direct"])
        connect.viaAuth = .init([.negotiate])
        #expect(keys("add 'negotiate' to it") == ["via direct"])
    }
}
