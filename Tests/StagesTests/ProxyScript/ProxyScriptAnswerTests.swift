import ConfigurationLanguage
import Pipeline
import Testing

@testable import TunnelStages

@Suite struct ProxyScriptAnswerTests {
    @Test(
        arguments: [
            ("DIRECT", ["direct"]),
            ("PROXY a.example:3128; DIRECT", ["http://a.example:3128", "direct"]),
            (
                " proxy  a:1 ;HTTPS b.example;; HTTP c:2;DIRECT;DIRECT",
                ["http://a:1", "https://b.example:443", "http://c:2", "direct"]
            ),
            ("PROXY [::1]:3128", ["http://[::1]:3128"]),
            ("SOCKS s:1080", ["the proxy s:1080 speaks SOCKS, which isn't spoken to proxies here"]),
            ("PROXY", ["the proxy auto-configuration says \"PROXY\", which is no way"]),
            ("PROXY user:pass@a:1", ["the proxy auto-configuration says \"PROXY user:pass@a:1\", which is no way"]),
            ("pigeon coop", ["the proxy auto-configuration says \"PIGEON coop\", which is no way"]),
            ("", []), (";;", []),
        ] as [(String, [String])])
    func `Ways`(answer: String, ways: [String]) {
        let routes = ProxyScriptAnswer.routes(answer).map { route in
            switch route {
            case .direct: "direct"
            case .proxy(let proxy): proxy.url
            case .nowhere(let reason): reason
            }
        }
        #expect(routes == ways)
    }

    @Test func `There is an end to them`() {
        let answer = (0..<100).map { "PROXY proxy\($0):1" }.joined(separator: ";")
        #expect(ProxyScriptAnswer.routes(answer).count == 16)
    }

    /// What is asked comes over as it is, whatever the script has in it.
    @Test func `Questions`() throws {
        let question = ProxyScriptChild.Question(
            server: HostPort(host: "server.example", port: 8443), script: Array("a\n\nb\u{0}".utf8))
        #expect(ProxyScriptChild.Question(question.bytes) == question)
        for bytes in ["", "a\n", "a\nb\nc", "a\n1"] { #expect(ProxyScriptChild.Question(Array(bytes.utf8)) == nil) }
    }

    @Test func `What an interpreter says`() {
        let text =
            "JSERROR: PAC script:3:\n    SyntaxError: missing ;\npacparser.c: pacparser_parse_pac_string: Failed to evaluate the pac script.\n"
        #expect(ProxyScriptChild.words(text) == "line 3: SyntaxError: missing ;")
        #expect(ProxyScriptChild.words("pacparser.c: nothing\n") == "")
    }

    /// The ways that a script names are ways like all others: with the configuration's user, each once, in their place of the list.
    @Test func `In the list of ways`() throws {
        let place = ProxyScriptPlace.file(FilePath("/proxy.pac"))
        var configuration = ConnectConfiguration()
        configuration.via = Via.script(place).orElse(.direct)
        configuration.viaUser = "anna"
        let environment = ProxyEnvironment { _ in nil }
        func routes(_ answer: ProxyScripts.Outcome?) throws -> [Route] {
            try configuration.routes(
                to: HostPort(host: "server", port: 1), in: environment, scripts: answer.map { [place: $0] } ?? [:])
        }
        var proxy = ProxyAddress(host: "a", port: 1)
        proxy.credentials = Secret("anna:")
        #expect(try routes(.success(ProxyScriptAnswer.routes("PROXY a:1; DIRECT"))) == [.proxy(proxy), .direct])
        #expect(try routes(.failure(.init(.unavailable, "it is broken"))) == [.nowhere("it is broken"), .direct])
        #expect(
            try routes(nil) == [.nowhere("the proxy auto-configuration /proxy.pac hasn't been asked yet"), .direct])
    }
}
