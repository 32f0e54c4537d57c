import Pipeline
import Stages
import Testing

@testable import TunnelStages

@Suite struct NameServersTests {
    /// The key of a `fetch` as it is printed, or what is wrong with it.
    private static func read(_ text: String) -> String {
        let loader = ConfigurationLoader(registry: .standard(), environment: [:])
        do {
            let loaded = try loader.load(
                text: "pipeline: [accept: { listen: \"127.0.0.1:1\" }, http, fetch: { resolver: \(text) }]", file: "t", host: .agent
            )
            return (loaded.stages.last?.configuration as? FetchConfiguration)?.resolver.printed ?? "no fetch"
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ("system", "system"), ("none", "system"), ("10.0.0.53", "10.0.0.53"), ("10.0.0.53:53", "10.0.0.53"),
        ("\"10.0.0.53:5353\"", "\"10.0.0.53:5353\""), ("\"2001:db8::53\"", "\"2001:db8::53\""),
        ("\"[2001:db8::53]\"", "\"2001:db8::53\""),
        ("\"[2001:db8::53]:5353\"", "\"[2001:db8::53]:5353\""), ("[10.0.0.53, \"10.0.0.54:54\"]", "[10.0.0.53, \"10.0.0.54:54\"]"),
    ])
    func `Name servers are addresses`(text: String, printed: String) {
        #expect(Self.read(text) == printed)
    }

    @Test(arguments: [
        "dns.example", "dns.example:53", "[]", "10.0.0.53:0", "10.0.0.53:65536", "10.0.0", "\"\"", "{}", "[[10.0.0.53]]",
    ])
    func `Anything else is refused`(text: String) {
        #expect(Self.read(text).contains("resolver"))
    }

    @Test func `In code as in a file`() {
        #expect(NameServers.at([]) == .system)
        #expect(NameServers.at(["10.0.0.53", "[::1]:5353"]).printed == "[10.0.0.53, \"[::1]:5353\"]")
        #expect(NameServers.at(["10.0.0.53", "[::1]:5353"]).problems().isEmpty)
        #expect(NameServers.at(["dns.example"]).problems().count == 1)
        #expect(NameServers.at(Array(repeating: "10.0.0.53", count: 9)).problems().count == 1)
    }
}
