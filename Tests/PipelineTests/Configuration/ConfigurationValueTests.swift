import Logging
import Testing

@testable import ConfigurationLanguage

/// The words in which values are written: what each reads as, and how it is printed again.
@Suite struct ConfigurationValueTests {
    @Test(arguments: [
        ("250ms", Duration.milliseconds(250), "250ms"), ("30s", .seconds(30), "30s"), ("10m", .seconds(600), "10m"),
        ("2h", .seconds(7_200), "2h"), ("1d", .seconds(86_400), "1d"), ("0", .zero, "0"), ("1.5s", .milliseconds(1_500), "1500ms"),
        ("90s", .seconds(90), "90s"), ("0.5h", .seconds(1_800), "30m"),
    ])
    func duration(_ text: String, _ value: Duration, _ printed: String) throws {
        #expect(try Duration(configured: text) == value)
        #expect(value.printed == printed)
        #expect(try Duration(configured: printed) == value)
    }

    @Test(arguments: ["", "30", "s", "-5s", "5 minutes", "1e3s", "5ss", "+5s", "5.s", ".5s", "9223372036854775807d", "٣s", "5s "])
    func noDuration(_ text: String) {
        #expect(throws: InvalidValue.self) { try Duration(configured: text) }
    }

    @Test(arguments: [
        ("64KiB", 65_536, "64KiB"), ("16MiB", 16_777_216, "16MiB"), ("1GiB", 1_073_741_824, "1GiB"), ("500kB", 500_000, "500000"),
        ("2MB", 2_000_000, "2000000"), ("1500", 1_500, "1500"), ("0", 0, "0"), ("1.5KiB", 1_536, "1536"), ("7B", 7, "7"),
    ])
    func byteCount(_ text: String, _ bytes: Int, _ printed: String) throws {
        #expect(try ByteCount(configured: text).bytes == bytes)
        #expect(ByteCount(bytes).printed == printed)
        #expect(try ByteCount(configured: printed).bytes == bytes)
    }

    @Test(arguments: ["", "KiB", "64kb", "64 K", "-1", "1.5", "99999999TiB", "1XB"])
    func noByteCount(_ text: String) {
        #expect(throws: InvalidValue.self) { try ByteCount(configured: text) }
    }

    @Test(arguments: [("200/s", Rate(200, per: .second)), ("10/m", Rate(10, per: .minute)), ("1000/h", Rate(1_000, per: .hour))])
    func rate(_ text: String, _ value: Rate) throws {
        #expect(try Rate(configured: text) == value)
        #expect(value.printed == text)
    }

    @Test(arguments: ["", "200", "/s", "200/", "200/s/s", "-1/s", "2.5/s", "1/week"])
    func noRate(_ text: String) {
        #expect(throws: InvalidValue.self) { try Rate(configured: text) }
    }

    @Test(arguments: [
        ("server.example:8443", "server.example", 8_443), ("127.0.0.1:1", "127.0.0.1", 1), ("[::1]:65535", "::1", 65_535),
        ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
    ])
    func hostPort(_ text: String, _ host: String, _ port: Int) throws {
        let value = try HostPort(configured: text)
        #expect(value == HostPort(host: host, port: port))
        #expect(value.description == text)
    }

    @Test(arguments: [
        "", "server", "server:", ":80", "::1:80", "[::1]", "[::1", "[server]:80", "[::1]x:80", "a b:80", "a:0", "a:65536", "a:-1",
        "a:8o", "a:80/x", "https://a:80", "a:٣",
    ])
    func noHostPort(_ text: String) {
        #expect(throws: InvalidValue.self) { try HostPort(configured: text) }
    }

    @Test func listenAddress() throws {
        #expect(try ListenAddress(configured: "0.0.0.0:0") == .tcp(host: "0.0.0.0", port: 0))
        #expect(try ListenAddress(configured: "[::]:8443") == .tcp(host: "::", port: 8_443))
        #expect(try ListenAddress(configured: "unix:/run/x") == .unix(path: "/run/x"))
        #expect(try ListenAddress(configured: "unix:/run/x").description == "unix:/run/x")
        #expect(throws: InvalidValue.self) { try ListenAddress(configured: "unix:" + String(repeating: "x", count: 104)) }
        #expect(throws: InvalidValue.self) { try ListenAddress(configured: "8080") }
    }

    @Test func numbers() throws {
        #expect(try Int(configured: "10_000") == 10_000)
        #expect(try Int(configured: "-3") == -3)
        for text in ["", "_1", "1_", "+1", "0x10", "1.0", "99999999999999999999", "٣"] {
            #expect(throws: InvalidValue.self) { try Int(configured: text) }
        }
        #expect(try Double(configured: "0.25") == 0.25)
        for text in ["", "nan", "inf", "0x1p3", "1e999"] {
            #expect(throws: InvalidValue.self) { try Double(configured: text) }
        }
    }

    @Test func aSecretIsNeverPrinted() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped, secret.printed, "\([secret])", "\(Optional(secret) as Any)"] {
            #expect(!text.contains("hunter2"))
            #expect(text.contains("[redacted]"))
        }
    }

    @Test(arguments: [
        ("plain", "plain"), ("a:b", "\"a:b\""), ("", "\"\""), ("null", "\"null\""), ("# x", "\"# x\""),
        ("a\"b\\c\n", "\"a\\\"b\\\\c\\n\""),
        ("\u{1}", "\"\\x01\""), ("*", "\"*\""), ("-", "\"-\""),
    ])
    func quoting(_ text: String, _ written: String) {
        #expect(PlainText.quotedIfNeeded(text) == written)
        var reader = YAMLReader(SourceText("key: \(written)"))
        let root = reader.read()
        guard case .scalar(let scalar)? = root?[key: "key"]?.content else {
            Issue.record("no scalar")
            return
        }
        #expect(scalar.text == text)
    }

    @Test(
        arguments: [
            ("lisen", "listen"), ("listen-adress", "listen"), ("MAX_CONNECTIONS", "max-connections"),
            ("max-conections", "max-connections"),
            ("ilde", "idle"), ("colour", nil), ("x", nil),
        ] as [(String, String?)])
    func nearest(_ name: String, _ expected: String?) {
        #expect(NearestName.nearest(to: name, among: ["listen", "max-connections", "idle", "limits"]) == expected)
    }

    @Test(arguments: [("", "", 0), ("abc", "", 3), ("abcd", "acbd", 1), ("kitten", "sitting", 3), ("ca", "abc", 3)])
    func distance(_ left: String, _ right: String, _ expected: Int) {
        #expect(NearestName.distance(Array(left.utf8), Array(right.utf8)) == expected)
    }
}
