import Testing

@testable import Addresses
@testable import ConfigurationLanguage

@Suite struct NetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.0/8", 8), ("10.1.2.3", "10.1.2.3", 32),
        ("10.1.2.3/32", "10.1.2.3", 32),
        ("0.0.0.0/0", "0.0.0.0/0", 0), ("::/0", "\"::/0\"", 0), ("fd00::/8", "\"fd00::/8\"", 8), ("fd00::", "\"fd00::\"", 128),
        ("2001:DB8:0:0:1::/80", "\"2001:db8:0:0:1::/80\"", 80), ("::1/128", "\"::1\"", 128),
        // Networks of IPv4, in IPv6's form.
        ("::ffff:10.0.0.0/104", "10.0.0.0/8", 8), ("::ffff:0:0/96", "0.0.0.0/0", 0), ("::ffff:10.1.2.3", "10.1.2.3", 32),
        ("::ffff:a01:203/128", "10.1.2.3", 32), ("::FFFF:192.168.0.0/112", "192.168.0.0/16", 16),
        // They have more than IPv4 in them, and so none of it.
        ("::fffe:0:0/95", "\"::fffe:0:0/95\"", 95), ("::/8", "\"::/8\"", 8),
    ])
    func `What a network is`(text: String, printed: String, prefix: Int) throws {
        let network = try Network(configured: text)
        #expect(network.printed == printed)
        #expect(network.prefix == prefix)
        #expect(network.isOneAddress == !printed.contains("/"))
        #expect(try Network(configured: printed.filter { $0 != "\"" }) == network)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/0008", "10.0.0.0 /8", "10/8",
        "any", "a/8",
        "::/129", "fe80::1%lo/64", "::ffff:10.0.0.0/129", "[::1]", "10.0.0.0/８", "10.0.0.0/255.0.0.0", "127.1", "0",
    ])
    func `What is no network`(text: String) {
        #expect(throws: InvalidValue.self) { try Network(configured: text) }
    }

    /// It would be another network than the one that is written, without a word.
    @Test(arguments: [
        ("10.1.2.3/8", "10.0.0.0/8", "10.1.2.3"), ("0.0.0.1/0", "0.0.0.0/0", "0.0.0.1"), ("fe80::1/127", "fe80::/127", "fe80::1"),
        ("::ffff:192.168.0.1/112", "192.168.0.0/16", "::ffff:192.168.0.1"), ("::ffff:0:0/95", "::fffe:0:0/95", "::ffff:0:0"),
        ("::ffff:10.0.0.0/8", "::/8", "::ffff:10.0.0.0"), ("::1/0", "::/0", "::1"),
        ("2001:db8::8000:0:0:0/64", "2001:db8::/64", "2001:db8::8000:0:0:0"),
    ])
    func `Bits beyond the prefix`(text: String, network: String, address: String) throws {
        do {
            _ = try Network(configured: text)
            Issue.record("it is taken")
        } catch {
            let prefix = network.split(separator: "/")[1]
            #expect(error.reason == "the address has bits beyond the network's \(prefix)")
            #expect(error.hint?.hasSuffix(", or \(address) for the one address") == true, "\(error.hint ?? "")")
        }
        let literal: Network = .init(stringLiteral: text)
        #expect(literal.problems().count == 1)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("::ffff:10.0.0.0/104", "10.2.3.4", true), ("::ffff:10.0.0.0/104", "11.2.3.4", false), ("::/0", "::ffff:10.0.0.1", false),
        ("::/0", "10.0.0.1", false), ("0.0.0.0/0", "::1", false), ("::/0", "fe80::1", true), ("::/64", "::1", true),
        ("2001:db8::/65", "2001:db8:0:0:8000::", false), ("2001:db8::/64", "2001:db8:0:0:8000::", true),
        ("64:ff9b::/96", "64:ff9b::1", true),
    ])
    func `What a network has`(network: String, address: String, isIn: Bool) throws {
        #expect(try Network(configured: network).contains(#require(IPAddress(address))) == isIn)
    }

    /// Who refuses a network refuses all that may reach it; who allows it allows what reaches nothing else.
    @Test(arguments: [
        ("10.0.0.0/8", "10.0.0.1", true, true), ("10.0.0.0/8", "64:ff9b::10.0.0.1", true, true),
        ("10.0.0.0/8", "2002:a00:1::", true, false),
        ("10.0.0.0/8", "::10.0.0.1", true, false), ("10.0.0.0/8", "fd00::5efe:10.0.0.1", true, false),
        ("127.0.0.0/8", "0.0.0.0", true, true),
        ("0.0.0.0/8", "0.0.0.0", true, false), ("0.0.0.0", "0.0.0.0", true, false), ("0.0.0.0/0", "0.0.0.0", true, true),
        ("127.0.0.0/8", "64:ff9b::127.0.0.1", true, false), ("127.0.0.0/8", "64:ff9b::", true, false), ("::1", "::", true, true),
        ("::/0", "::", true, true), ("127.0.0.0/8", "::", false, false),
        // All of IPv6 isn't what is behind a translator, and opens no IPv4; the prefix itself is.
        ("::/0", "64:ff9b::10.0.0.1", true, false), ("64:ff9b::/96", "64:ff9b::10.0.0.1", true, true),
        ("64:ff9b::10.0.0.0/104", "64:ff9b::10.0.0.1", true, true), ("64:ff9b::/64", "64:ff9b::10.0.0.1", true, false),
        ("2002::/16", "2002:a00:1::", true, false), ("::/0", "2606:4700::1", true, true),
    ])
    func `Refusing and allowing`(network: String, address: String, isRefused: Bool, isAllowed: Bool) throws {
        let networks = [try Network(configured: network)]
        let address = try #require(IPAddress(address))
        #expect(networks.mayBeReached(by: address) == isRefused)
        #expect(networks.haveAll(reachedBy: address) == isAllowed)
    }

    @Test func `An address that is two things is allowed with both`() throws {
        let address = try #require(IPAddress("2002:a00:1::"))
        #expect((["2002::/16", "10.0.0.0/8"] as [Network]).haveAll(reachedBy: address))
        #expect(([] as [Network]).haveAll(reachedBy: address) == false)
    }

    @Test func `A literal that is no network has nothing`() {
        let network: Network = "10.0.0.0/33"
        #expect(!network.contains(IPAddress(v4: 0)))
        #expect(!network.problems().isEmpty)
        #expect(network.bytes.isEmpty && network.prefix == 0 && !network.isOneAddress)
    }
}
