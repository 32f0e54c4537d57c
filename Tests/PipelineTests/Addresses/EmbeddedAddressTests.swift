import Testing

@testable import Addresses

@Suite struct EmbeddedAddressTests {
    /// What is in an address, form by form; those of RFC 6052, 2.4, RFC 4380, 4 and RFC 5214, 6.1 among them.
    @Test(
        arguments: [
            ("64:ff9b::192.0.2.33", [.wellKnownTranslation], ["192.0.2.33"]),
            ("64:ff9b:0:0:1::192.0.2.33", [], []),
            ("64:ff9b:1::192.0.2.33", [.localTranslation96], ["192.0.2.33"]),
            ("64:ff9b:1:2:3:4:192.0.2.33", [.localTranslation96], ["192.0.2.33"]),
            ("64:ff9b:1:344:c0:2:2100::", [.localTranslation96, .localTranslation64], ["33.0.0.0", "192.0.2.33"]),
            (
                "64:ff9b:1:3c0:0:221::", [.localTranslation64, .localTranslation56], ["0.2.33.0", "192.0.2.33"]
            ),
            (
                "64:ff9b:1:c000:2:2100::", [.localTranslation64, .localTranslation56, .localTranslation48],
                ["2.33.0.0", "0.2.33.0", "192.0.2.33"]
            ),
            (
                "64:ff9b:1:ffff::", [.localTranslation96, .localTranslation64, .localTranslation56, .localTranslation48],
                ["0.0.0.0", "0.0.0.0", "255.0.0.0", "255.255.0.0"]
            ),
            ("::192.0.2.33", [.compatible], ["192.0.2.33"]), ("::2", [.compatible], ["0.0.0.2"]),
            ("::1.1.0.1", [.compatible], ["1.1.0.1"]),
            ("::0.1.0.1", [.compatible], ["0.1.0.1"]), ("::", [], []), ("::1", [], []),
            ("::ffff:0:192.0.2.33", [.translated], ["192.0.2.33"]), ("::ffff:1:192.0.2.33", [], []), ("::fffe:192.0.2.33", [], []),
            ("2002:c000:221::1", [.sixToFour], ["192.0.2.33"]), ("2003:c000:221::1", [], []),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", [.teredoServer, .teredoClient], ["65.54.227.120", "192.0.2.45"]),
            ("2001:1:4136:e378:8000:63bf:3fff:fdd2", [], []),
            ("fe80::5efe:192.0.2.33", [.isatap], ["192.0.2.33"]), ("2001:db8::200:5efe:192.0.2.33", [.isatap], ["192.0.2.33"]),
            ("2001:db8::100:5efe:192.0.2.33", [], []), ("2001:db8::5eff:192.0.2.33", [], []),
            ("2002:c000:221::5efe:10.0.0.1", [.sixToFour, .isatap], ["192.0.2.33", "10.0.0.1"]),
            ("192.0.2.33", [], []), ("::ffff:192.0.2.33", [], []), ("2606:4700::1111", [], []),
        ] as [(String, [EmbeddedAddress], [String])])
    func `What is in an address`(text: String, forms: [EmbeddedAddress], inside: [String]) throws {
        let address = try #require(IPAddress(text))
        #expect(EmbeddedAddress.all.filter { $0.address(in: address) != nil } == forms)
        #expect(EmbeddedAddress.all.compactMap { $0.address(in: address)?.description } == inside)
    }

    /// What dialling an address may reach, and what it surely does.
    @Test(arguments: [
        ("192.0.2.1", ["192.0.2.1"], ["192.0.2.1"]), ("0.0.0.0", ["0.0.0.0", "127.0.0.1"], ["127.0.0.1"]),
        ("::", ["::", "::1"], ["::1"]),
        ("64:ff9b::192.0.2.1", ["64:ff9b::c000:201", "192.0.2.1"], ["192.0.2.1"]),
        ("64:ff9b::0.0.0.0", ["64:ff9b::", "0.0.0.0", "127.0.0.1"], ["64:ff9b::", "127.0.0.1"]),
        ("2002:c000:201::", ["2002:c000:201::", "192.0.2.1"], ["2002:c000:201::", "192.0.2.1"]),
        ("2002::", ["2002::", "0.0.0.0", "127.0.0.1"], ["2002::", "127.0.0.1"]),
        ("::ffff:0:0.0.0.0", ["::ffff:0:0:0", "0.0.0.0", "127.0.0.1"], ["::ffff:0:0:0", "127.0.0.1"]),
    ])
    func `What dialling reaches`(text: String, may: [String], only: [String]) throws {
        let address = try #require(IPAddress(text))
        var reached: [String] = []
        #expect(
            !address.mayReach {
                reached.append("\($0)")
                return false
            })
        #expect(reached == may)
        for each in may { #expect(address.mayReach { "\($0)" == each }) }
        reached = []
        #expect(
            address.reachesOnly {
                reached.append("\($0)")
                return true
            })
        #expect(reached == only)
        for each in only { #expect(!address.reachesOnly { "\($0)" != each }) }
    }
}
