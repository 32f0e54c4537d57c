import HTTPMessages
import NIOCore
import Pipeline
import Testing

@Suite struct EgressTests {
    private static let rules = """
        egress:
              rules:
                - deny: { hosts: [evil.example, "*.evil.example"] }
                - allow: { methods: [GET, HEAD], hosts: ["*.example"], ports: [80, 8000-8099] }
                - deny: { networks: [10.0.0.0/8, "fd00::/8"] }
                - allow: { hosts: ["*.internal"], networks: [192.168.0.0/16] }
                - allow: { identities: ["ops-*"] }
        """

    private func head(_ method: String, _ url: String) -> RequestHead {
        let parts = url.split(separator: "/")
        guard parts[0] != "CONNECT" else {
            return RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: String(parts[1]), path: "")
        }
        let scheme: Scheme = parts[0] == "https:" ? .https : .http
        return RequestHead(method: method, scheme: scheme, authority: String(parts[1]), path: "/")
    }

    @Test(arguments: [
        ("GET", "http://www.example/", "-", nil),
        ("GET", "http://www.example:8042/", "-", nil),
        ("GET", "http://www.example:9000/", "-", "no egress rule allows it"),
        ("POST", "http://www.example/", "-", "no egress rule allows it"),
        ("GET", "https://www.example/", "-", "no egress rule allows it"),
        ("GET", "http://a.evil.example/", "-", "rule at bench.yaml:6 denies it"),
        ("GET", "http://EVIL.example./", "ops-1", "rule at bench.yaml:6 denies it"),
        ("GET", "http://10.1.2.3/", "ops-1", "rule at bench.yaml:8 denies it"),
        ("GET", "http://[::ffff:10.1.2.3]/", "ops-1", "rule at bench.yaml:8 denies it"),
        ("GET", "http://[fd00::1]/", "ops-1", "rule at bench.yaml:8 denies it"),
        ("POST", "https://elsewhere.test/", "ops-1", nil),
        ("POST", "https://elsewhere.test/", "dev-1", nil),
        ("-", "CONNECT/www.example:80", "-", "no egress rule allows it"),
        ("-", "CONNECT/elsewhere.test:22", "ops-2", nil),
    ])
    func decides(_ method: String, _ url: String, _ identity: String, _ refusal: String?) throws {
        let bench = try FilterBench(Self.rules)
        let source = bench.open(
            head(method, url), identity: identity == "-" ? nil : Identity(name: identity, method: "basic"))
        // What only the address can decide goes on, to be asked where it is dialled.
        let asked = bench.sink.last?.exchange.addressChecks.isEmpty == false
        if refusal == nil || asked {
            #expect(source.status == nil)
            #expect(bench.sink.passed.count == 1)
            if identity == "dev-1" { #expect(asked) }
        } else {
            #expect(source.status == 403)
            #expect(source.body.contains(refusal ?? "-"), "\(source.body)")
            #expect(bench.sink.passed.isEmpty)
            #expect(bench.metric("fluidity_egress_denied_total") == 1)
        }
    }

    @Test(arguments: [
        ("printer.internal", "192.168.1.9", nil), ("printer.internal", "10.0.0.9", "rule at bench.yaml:8 denies it"),
        ("printer.internal", "203.0.113.1", "no egress rule allows it"),
        ("printer.internal", "::ffff:10.0.0.9", "rule at bench.yaml:8 denies it"),
        ("other.test", "192.168.1.9", "no egress rule allows it"),
    ])
    func decidesOnTheAddressThatANameLedTo(_ host: String, _ address: String, _ refusal: String?) throws {
        let bench = try FilterBench(Self.rules)
        bench.open(RequestHead(method: "GET", scheme: .http, authority: host, path: "/"))
        let exchange = try #require(bench.sink.last?.exchange)
        let said = exchange.refusal(of: try SocketAddress(ipAddress: address, port: 80))
        #expect((said == nil) == (refusal == nil))
        if let refusal { #expect(said?.message.contains(refusal) == true, "\(said?.message ?? "")") }
        #expect(bench.metric("fluidity_egress_denied_total") == (refusal == nil ? 0 : 1))
    }

    @Test func withoutWhoeverDialsNamesHaveNoAddress() throws {
        let agent = ["accept: { listen: 127.0.0.1:0 }", "http", "FILTER", "frame", "connect: { to: localhost:1 }"]
        let bench = try FilterBench("egress: { rules: [deny: { networks: [10.0.0.0/8] }], otherwise: allow }", in: agent)
        bench.open(RequestHead(method: "GET", scheme: .http, authority: "name.test", path: "/"))
        #expect(bench.sink.last?.exchange.addressChecks.isEmpty == true)
        #expect(bench.open(RequestHead(method: "GET", scheme: .http, authority: "10.1.1.1", path: "/")).status == 403)
    }

    @Test func exchangesThatPassHaveNoGate() throws {
        let bench = try FilterBench("egress: { rules: [allow: {}] }")
        bench.open()
        let exchange = try #require(bench.sink.last?.exchange)
        #expect(exchange.addressChecks.isEmpty)
    }
}
