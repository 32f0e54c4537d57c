import Logging
import NIOCore
import NIOEmbedded
import Stages
import Testing

@testable import HTTPMessages
@testable import Pipeline

/// Which branch takes an exchange, and what is known of it there.
@Suite struct RouteTests {
    private static let branches = """
        route:
              branches:
                - name: intranet
                  when: { hosts: ["*.corp.example", corp.example] }
                  stages: [{ headers: { response: { set: { X-Way: intranet } } } }, { respond: { status: 201 } }]
                - name: machines
                  when: { networks: [10.0.0.0/8] }
                  stages: [{ respond: { status: 202 } }]
                - name: tunnels
                  when: { kinds: [tunnel], ports: [22, 5000-5999] }
                  stages: [{ respond: { status: 203 } }]
                - name: abroad
                  when: { schemes: [https], identities: ["ann*"], clients: [192.0.2.0/24], methods: [GET] }
                  stages:
                    - route:
                        branches:
                          - { name: france, when: { hosts: ["*.fr"] }, stages: [{ respond: { status: 204 } }] }
                          - { name: rest, stages: [{ retry: {} }, { respond: { status: 205 } }] }
        """

    /// The stage alone: what stands before it would need files.
    private static func open(
        _ method: String, _ url: String, identity: String? = nil, from remote: String = "192.0.2.1:1234"
    ) throws -> (source: BenchSource, shard: Shard) {
        let bench = try RouteBench(branches)
        return (bench.open(method, url, identity: identity, from: remote), bench.shard)
    }

    @Test(
        arguments: [
            ("GET", "http://www.corp.example/", nil, 201, "intranet"),
            ("GET", "http://CORP.example.:8080/", nil, 201, "intranet"),
            ("GET", "http://notcorp.example/", nil, 403, nil),
            ("GET", "http://10.1.2.3/", nil, 202, "machines"),
            ("GET", "http://[::ffff:10.1.2.3]/", nil, 202, "machines"),
            // A translator's address reaches more than the network.
            ("GET", "http://[2002:a00:1::]/", nil, 403, nil),
            ("GET", "http://167838211/", nil, 202, "machines"),
            // An answer of its own that is no tunnel.
            ("CONNECT", "elsewhere.test:22", nil, 405, "tunnels"),
            ("CONNECT", "elsewhere.test:5999", nil, 405, "tunnels"),
            ("CONNECT", "elsewhere.test:6000", nil, 403, nil),
            ("GET", "http://elsewhere.test:22/", nil, 403, nil),
            ("GET", "https://site.fr/", "ann", 204, "abroad/france"),
            ("GET", "https://site.de/", "anna", 205, "abroad/rest"),
            ("GET", "https://site.de/", "bob", 403, nil),
            ("POST", "https://site.de/", "ann", 403, nil),
            ("GET", "http://site.de/", "ann", 403, nil),
        ] as [(String, String, String?, Int, String?)])
    func choice(_ method: String, _ url: String, _ identity: String?, _ status: Int, _ route: String?) throws {
        let (source, shard) = try Self.open(method, url, identity: identity)
        #expect(source.status == status)
        #expect(source.exchange?.route == route)
        if status == 403 { #expect(source.body.contains("no branch of 'route' is for it"), "\(source.body)") }
        if route == "intranet" { #expect(source.field("X-Way") == "intranet") }
        var counted: [String: Int64] = [:]
        for entry in shard.metrics.entries where entry.key.name == "fluidity_route_exchanges_total" {
            guard case .counter(let counter, _) = entry.instrument, counter.value > 0 else { continue }
            counted[entry.key.labels.first { $0.name == "route" }?.value ?? "-"] = counter.value
        }
        #expect(counted == Self.counts(route))
    }

    /// A branch within a branch counts, and the one around it.
    private static func counts(_ route: String?) -> [String: Int64] {
        guard let route else { return [:] }
        return route.contains("/") ? [route: 1, String(route.split(separator: "/")[0]): 1] : [route: 1]
    }

    @Test func clientsElsewhereGoElsewhere() throws {
        #expect(try Self.open("GET", "https://site.fr/", identity: "ann", from: "198.51.100.1:1").source.status == 403)
        #expect(try Self.open("GET", "https://site.fr/", identity: "ann", from: "unix").source.status == 403)
    }

    /// Each stage is counted at its own place, and what goes by one branch is nothing to the others.
    @Test func stagesAreCountedAtTheirPlaces() throws {
        let bench = try RouteBench(Self.branches)
        _ = bench.open("GET", "http://www.corp.example/")
        _ = bench.open("GET", "http://10.0.0.1/")
        _ = bench.open("GET", "https://site.de/", identity: "ann")
        let places = bench.entered()
        #expect(
            places == [
                "2": 3, "2.intranet.1": 1, "2.intranet.2": 1, "2.machines.1": 1, "2.tunnels.1": 0, "2.abroad.1": 1,
                "2.abroad.1.france.1": 0, "2.abroad.1.rest.1": 1, "2.abroad.1.rest.2": 1,
            ])
        #expect(bench.open.allSatisfy { $0.value == 0 }, "\(bench.open)")
        #expect(bench.plan.places.map(\.index) == Array(0..<10))
    }

    @Test(arguments: [
        ("*.example", "www.example", true), ("*.example", "*.www.example", true), ("*.www.example", "*.example", false),
        ("a?c", "a*c", false), ("A.example", "a.EXAMPLE", true), ("*", "x*y", true), ("a*", "b*", false), ("*.com", "com", false),
    ])
    func whatAPatternCovers(_ wide: Glob, _ narrow: Glob, _ isCovered: Bool) {
        #expect(wide.covers(narrow, ignoringCase: true) == isCovered)
    }

    @Test(arguments: [
        ("08:00-18:00", 8 * 60, true), ("08:00-18:00", 18 * 60, false), ("08:00-18:00", 7 * 60 + 59, false),
        ("22:00-06:00", 23 * 60, true), ("22:00-06:00", 0, true), ("22:00-06:00", 6 * 60, false), ("22:00-06:00", 12 * 60, false),
        ("00:00-24:00", 24 * 60 - 1, true),
    ])
    func partsOfTheDay(_ text: String, _ minute: Int, _ isIn: Bool) throws {
        let conditions = ExchangeConditions(hours: [try DayTime(configured: text)], weekdays: [.monday])
        func fits(_ weekday: Int) -> Bool {
            conditions.matches(
                RequestHead(method: "GET", scheme: .http, authority: "a.test", path: "/"), weekday: weekday, minute: minute)
        }
        #expect(fits(1) == isIn)
        #expect(!fits(2))
    }

    @Test(arguments: [
        "8:00-18:00", "08:00", "24:00-06:00", "08:00-08:00", "08:60-09:00", "25:00-26:00", "aa:00-10:00", "08:00-18:00-",
    ])
    func noPartsOfTheDay(_ text: String) {
        #expect(throws: (any Error).self) { try DayTime(configured: text) }
    }
}
