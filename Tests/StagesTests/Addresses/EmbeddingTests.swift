import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import Addresses
@testable import ConfigurationLanguage
@testable import Filters
@testable import HTTPMessages
@testable import Pipeline
@testable import TunnelStages

/// Every way to write every kind of address, and what each stage that looks at addresses makes of it.
@Suite struct EmbeddingTests {
    /// Addresses that aren't the Internet's.
    private static let special = [
        "0.0.0.0", "0.1.0.1", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.255.1",
        "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    ]
    private static let sensitive = ["100.100.100.200", "168.63.129.16", "169.254.0.1", "169.254.169.254", "192.0.0.192"]
    private static let ofTheInternet = ["1.1.0.1", "8.8.8.8", "93.184.215.14", "223.255.255.254"]

    private static func socket(_ address: String) throws -> SocketAddress { try SocketAddress(ipAddress: address, port: 80) }

    // MARK: - fetch

    @Test(arguments: Embedding.allCases)
    func `Public destinations`(form: Embedding) throws {
        for v4 in Self.special {
            let address = form.address(of: v4)
            #expect(try !Destinations.public.allow(Self.socket(address)), "\(address) has \(v4) in it")
            #expect(try !Destinations.networks(["8.8.8.8"], withPublic: true).allow(Self.socket(address)), "\(address)")
        }
        for v4 in Self.ofTheInternet {
            let address = form.address(of: v4)
            #expect(try Destinations.public.allow(Self.socket(address)) == form.canBePublic, "\(address)")
        }
    }

    @Test(arguments: Embedding.allCases)
    func `No form opens what is sensitive`(form: Embedding) throws {
        let everything: Destinations = .networks(["0.0.0.0/0", "::/0", "64:ff9b::/96"], withPublic: true)
        for v4 in Self.sensitive {
            let address = form.address(of: v4)
            #expect(try !Destinations.any.allow(Self.socket(address)), "\(address)")
            #expect(try !everything.allow(Self.socket(address)), "\(address)")
        }
        let isLinkLocal = form == .isatapLinkLocal
        for v4 in Self.ofTheInternet + ["10.1.2.3", "127.0.0.1"] {
            let address = form.address(of: v4)
            #expect(try Destinations.any.allow(Self.socket(address)) == !isLinkLocal, "\(address)")
            #expect(try everything.allow(Self.socket(address)) == !isLinkLocal, "\(address)")
        }
    }

    @Test(arguments: Embedding.allCases)
    func `Networks that are opened`(form: Embedding) throws {
        for v4 in ["10.1.2.3", "8.8.8.8"] {
            let address = try Self.socket(form.address(of: v4))
            #expect(Destinations.networks([Network(stringLiteral: v4)]).allow(address) == form.isOnlySpelling)
            #expect(!Destinations.networks(["11.0.0.0/8"]).allow(address))
            // What a form may also be isn't opened by what is in it, and what is in it not by the form.
            let isMapped = form.isOnlySpelling && form != .translator
            #expect(Destinations.networks(["::/0"]).allow(address) == false, "\(form)")
            #expect(Destinations.networks(["0.0.0.0/0"]).allow(address) == form.isOnlySpelling)
            #expect(Destinations.networks([Network(stringLiteral: form.address(of: v4))]).allow(address) == form.isOnlySpelling)
            if !isMapped, form != .isatapLinkLocal {
                let both: Destinations = .networks([Network(stringLiteral: form.address(of: v4)), "0.0.0.0/0", "8.8.8.8"])
                #expect(both.allow(address), "\(form)")
            }
        }
    }

    /// On a network of IPv6 with a translator of its own, its prefix is named, and all of the Internet opened behind it.
    @Test func `A translator of the network's own`() throws {
        let destinations: Destinations = .networks(["64:ff9b:1::/48"], withPublic: true)
        #expect(try destinations.allow(Self.socket("64:ff9b:1::8.8.8.8")))
        #expect(try !destinations.allow(Self.socket("64:ff9b:1::10.0.0.1")))
        #expect(try !destinations.allow(Self.socket("64:ff9b:1::169.254.169.254")))
    }

    // MARK: - egress

    private static func question(_ rule: EgressRule, otherwise: EgressVerdict) -> EgressRules {
        EgressRules(rules: [Positioned(rule)], otherwise: otherwise, seesAddresses: true)
    }

    private static func subject(_ host: String) -> ExchangeSubject {
        let authority = host.contains(":") ? "[\(host)]" : host
        return ExchangeSubject(
            RequestHead(method: "GET", scheme: .http, authority: authority, path: "/"), identity: "-", client: nil, time: nil)
    }

    private static func isAllowed(_ rules: EgressRules, _ address: String) throws -> Bool {
        guard case .byAddress(let question) = rules.decide(subject("name.test")) else {
            Issue.record("the rules don't ask for the address")
            return false
        }
        let byName = try question.refusal(of: socket(address)) == nil
        // A host that is written as the address is decided at once, and alike.
        let isAllowed = if case .allow = rules.decide(subject(address)) { true } else { false }
        #expect(isAllowed == byName, "\(address)")
        return byName
    }

    @Test(arguments: Embedding.allCases)
    func `A rule that denies an address denies every form of it`(form: Embedding) throws {
        for v4 in Self.special + Self.ofTheInternet where form.has(v4) {
            let address = form.address(of: v4)
            let rules = Self.question(.deny(networks: [Network(stringLiteral: v4)]), otherwise: .allow)
            #expect(try !Self.isAllowed(rules, address), "\(address) has \(v4) in it")
            let mapped = Self.question(.deny(networks: [Network(stringLiteral: "::ffff:\(v4)/128")]), otherwise: .allow)
            #expect(try !Self.isAllowed(mapped, address), "\(address) has \(v4) in it")
            let other = Self.question(.deny(networks: ["203.0.112.0/24", "2001:db8::/32"]), otherwise: .allow)
            #expect(try Self.isAllowed(other, address), "\(address)")
        }
        let loopback = Self.question(.deny(networks: ["127.0.0.0/8", "::1/128"]), otherwise: .allow)
        if form.has("0.0.0.0") { #expect(try !Self.isAllowed(loopback, form.address(of: "0.0.0.0"))) }
        #expect(try !Self.isAllowed(loopback, "::"))
        #expect(try !Self.isAllowed(loopback, "0.0.0.0"))
    }

    @Test(arguments: Embedding.allCases)
    func `A rule that allows an address allows what is nothing else`(form: Embedding) throws {
        for v4 in ["10.1.2.3", "8.8.8.8"] {
            let rules = Self.question(.allow(networks: [Network(stringLiteral: v4)]), otherwise: .deny)
            #expect(try Self.isAllowed(rules, v4))
            #expect(try Self.isAllowed(rules, form.address(of: v4)) == form.isOnlySpelling)
        }
    }

    /// What dialling `0.0.0.0` reaches is this machine, whatever networks it is in.
    @Test(arguments: [
        ("0.0.0.0/8", false), ("0.0.0.0", false), ("0.0.0.0/2", false), ("127.0.0.0/8", true), ("0.0.0.0/0", true),
        ("64.0.0.0/2", true),
    ])
    func `What allows the unspecified address`(network: String, isAllowed: Bool) throws {
        let rules = Self.question(.allow(networks: [Network(stringLiteral: network)]), otherwise: .deny)
        #expect(try Self.isAllowed(rules, "0.0.0.0") == isAllowed)
        #expect(try Self.isAllowed(rules, "::ffff:0.0.0.0") == isAllowed)
        #expect(try Destinations.networks([Network(stringLiteral: network)]).allow(Self.socket("0.0.0.0")) == isAllowed)
        #expect(try Destinations.public.allow(Self.socket("0.0.0.0")) == false)
    }

    /// Where nobody asks for addresses, what is written as one still is.
    @Test(arguments: [
        "127.0.0.1", "127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.0.0.1.", "0", "00", "0x0",
        "0.0.0.0",
        "0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
        "[::ffff:0.0.0.0]",
        "[0:0:0:0:0:ffff:7f00:1]", "[64:ff9b:1::127.0.0.1]", "[fd00::5efe:127.0.0.1]",
    ])
    func `Hosts that are written as addresses`(host: String) throws {
        let agent = ["accept: { listen: 127.0.0.1:0 }", "http", "FILTER", "frame", "connect: { to: localhost:1 }"]
        for pipeline in [agent, ["accept: { listen: 127.0.0.1:0 }", "http", "FILTER", "fetch"]] {
            let bench = try FilterBench(
                "egress: { rules: [deny: { networks: [127.0.0.0/8, \"::1\"] }], otherwise: allow }", in: pipeline)
            #expect(bench.open(RequestHead(method: "GET", scheme: .http, authority: host, path: "/")).status == 403)
            #expect(
                bench.open(RequestHead(kind: .tunnel, method: "CONNECT", scheme: .none, authority: "\(host):80", path: "")).status
                    == 403)
        }
    }

    // MARK: - Others

    @Test(arguments: Embedding.allCases)
    func `NO_PROXY`(form: Embedding) {
        let host = form.address(of: "10.1.2.3")
        #expect(NoProxyList("10.0.0.0/8").covers(HostPort(host: host, port: 8443)) == form.isOnlySpelling)
        #expect(NoProxyList("::ffff:10.0.0.0/104").covers(HostPort(host: host, port: 8443)) == form.isOnlySpelling)
        #expect(!NoProxyList("11.0.0.0/8").covers(HostPort(host: host, port: 8443)))
    }

    @Test(arguments: Embedding.allCases)
    func `Addresses that are reserved`(form: Embedding) throws {
        let reserved = ReservedAddresses()
        reserved.add(try SocketAddress(ipAddress: "192.0.2.7", port: 9_900))
        func isReserved(_ v4: String, _ port: Int) throws -> Bool {
            reserved.contains(try SocketAddress(ipAddress: form.address(of: v4), port: port))
        }
        #expect(try isReserved("192.0.2.7", 9_900))
        if form.has("0.0.0.0") { #expect(try isReserved("0.0.0.0", 9_900)) }
        #expect(try !isReserved("192.0.2.7", 9_901))
        #expect(try !isReserved("192.0.2.9", 9_900))
    }
}
