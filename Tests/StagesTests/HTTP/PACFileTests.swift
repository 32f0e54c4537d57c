import ConfigurationLanguage
import HTTPMessages
import Testing
import TunnelStages

@Suite struct PACFileTests {
    @Test(arguments: [
        ("example.com", DirectDestination.host("example.com")), ("LocalHost", .host("localhost")),
        (".example.com", .domain("example.com")), ("*.Example.com", .domain("example.com")),
    ])
    func `Entries`(text: String, expected: DirectDestination) throws {
        #expect(try DirectDestination(configured: text) == expected)
    }

    @Test func `Networks`() throws {
        for text in ["10.0.0.0/8", "192.168.1.1", "fd00::/8"] {
            guard case .network = try DirectDestination(configured: text) else {
                Issue.record("\(text) is a network")
                continue
            }
        }
    }

    @Test(arguments: [
        "", ".", "*", "*.", "a*b.com", "ex ample", "a\"b", "x\\", "</script>", "host:80", "http://host", "..a", "10.0.0.0/33",
    ])
    func `What is no entry`(text: String) {
        #expect(throws: InvalidValue.self) { try DirectDestination(configured: text) }
    }

    @Test func `Only the file's own path is answered`() {
        let file = PACFile(PACConfiguration())
        #expect(file.isWanted(by: "GET", "/proxy.pac") && file.isWanted(by: "HEAD", "/proxy.pac?now"))
        #expect(!file.isWanted(by: "POST", "/proxy.pac"))
        for target in ["/", "/proxy.pac/", "/proxy.pacs", "http://example.com/proxy.pac", "//proxy.pac", "/health"] {
            #expect(!file.isWanted(by: "GET", target), "\(target)")
        }
    }

    @Test func `The answer`() {
        let response = PACFile(PACConfiguration()).response(proxy: Authority(host: "::1", port: 8080))
        #expect(response.head.fields["Content-Type"] == [PACFile.contentType])
        #expect(response.body.contains("return \"PROXY [::1]:8080\";"))
    }
}
