import ConfigurationLanguage
import NIOCore
import Testing

@testable import Filters
@testable import TunnelStages

/// What may be tried with proxies, and when.
@Suite struct ProxyStandingsTests {
    enum Event: Sendable {
        /// Seconds pass.
        case wait(Int)
        /// Somebody asks: whether an attempt is granted, another is under way, or the way rests.
        case ask(_ account: Int, Said, at: String = "server")
        case opens(_ account: Int = 0, at: String = "server")
        case fails(_ account: Int = 0)
        /// The attempt is refused, and the way rests for so many seconds.
        case refuses(_ account: Int, ProxyRefusal.Kind, rests: Int? = nil)
        case lost(_ account: Int = 0)
    }

    enum Said: Sendable { case goes, busy, rests }

    private static let hash = KeyedHash()
    /// Two users and nobody at one proxy, and the first user at another.
    private static let accounts = [
        ProxyStandings.Account(proxy: HostPort(host: "proxy", port: 1), credentials: hash("anna:secret")),
        ProxyStandings.Account(proxy: HostPort(host: "proxy", port: 1), credentials: hash("anna:other")),
        ProxyStandings.Account(proxy: HostPort(host: "proxy", port: 1), credentials: nil),
        ProxyStandings.Account(proxy: HostPort(host: "another", port: 1), credentials: hash("anna:secret")),
    ]

    @Test(
        arguments: [
            // As long as nothing is known, one attempt is made at a time.
            ("one at a time", [.ask(0, .goes), .ask(0, .busy), .ask(0, .busy), .fails(), .ask(0, .goes), .ask(0, .busy)]),
            // One that was let in vouches for the others for ten seconds.
            (
                "welcome",
                [
                    .ask(0, .goes), .opens(), .ask(0, .goes), .ask(0, .goes), .wait(9), .ask(0, .goes), .opens(), .opens(),
                    .opens(),
                    .wait(10), .ask(0, .goes), .ask(0, .busy),
                ]
            ),
            // The time is over while some are still under way: nobody goes beside them.
            (
                "welcome is over",
                [.ask(0, .goes), .opens(), .ask(0, .goes), .wait(10), .ask(0, .busy), .opens(), .ask(0, .goes)]
            ),
            // When a connection is lost, nobody knows.
            ("lost", [.ask(0, .goes), .opens(), .ask(0, .goes), .opens(), .lost(), .ask(0, .goes), .ask(0, .busy)]),
            // Refused credentials rest for five minutes, then twice as long each time, an hour at most, wherever they are for.
            (
                "credentials",
                [
                    .ask(0, .goes), .refuses(0, .credentials, rests: 300), .ask(0, .rests), .ask(0, .rests, at: "elsewhere"),
                    .wait(299),
                    .ask(0, .rests), .wait(1), .ask(0, .goes), .ask(0, .busy), .refuses(0, .credentials, rests: 600), .wait(600),
                    .ask(0, .goes), .refuses(0, .credentials, rests: 1_200), .wait(1_200), .ask(0, .goes),
                    .refuses(0, .credentials, rests: 2_400), .wait(2_400), .ask(0, .goes), .refuses(0, .credentials, rests: 3_600),
                    .wait(3_600), .ask(0, .goes), .refuses(0, .credentials, rests: 3_600), .wait(3_600), .ask(0, .goes), .opens(),
                    .lost(), .ask(0, .goes), .refuses(0, .credentials, rests: 300),
                ]
            ),
            // Others under way at that time add nothing.
            (
                "refused together",
                [
                    .ask(0, .goes), .opens(), .ask(0, .goes), .ask(0, .goes), .refuses(0, .credentials, rests: 300), .wait(1),
                    .refuses(0, .credentials, rests: 299), .ask(0, .rests),
                ]
            ),
            // Another password, no password and another proxy are other questions.
            (
                "other accounts",
                [
                    .ask(0, .goes), .refuses(0, .credentials, rests: 300), .ask(1, .goes), .ask(2, .goes), .ask(3, .goes),
                    .ask(0, .rests),
                ]
            ),
            // Where nothing is shown nothing is locked: five minutes each time.
            (
                "nobody",
                [
                    .ask(2, .goes), .refuses(2, .credentials, rests: 300), .wait(300), .ask(2, .goes),
                    .refuses(2, .credentials, rests: 300),
                ]
            ),
            // A scheme that isn't spoken is a matter of the proxy.
            (
                "scheme",
                [
                    .ask(0, .goes), .refuses(0, .scheme, rests: 300), .ask(0, .rests), .ask(3, .goes), .wait(300), .ask(0, .goes),
                    .refuses(0, .scheme, rests: 300),
                ]
            ),
            // What a proxy doesn't allow for one server says nothing of another.
            (
                "server",
                [
                    .ask(0, .goes), .refuses(0, .server, rests: 300), .ask(0, .rests), .ask(0, .goes, at: "other"),
                    .opens(0, at: "other"),
                    .ask(0, .rests), .wait(300), .ask(0, .goes), .refuses(0, .server, rests: 300), .wait(300), .ask(0, .goes),
                    .opens(),
                    .ask(0, .goes),
                ]
            ),
            // What asks for time gets it, five minutes at most; the rest is for the back-off.
            (
                "passing",
                [
                    .ask(0, .goes), .refuses(0, .passing(after: nil)), .ask(0, .goes),
                    .refuses(0, .passing(after: .seconds(20)), rests: 20),
                    .ask(0, .rests), .wait(20), .ask(0, .goes), .refuses(0, .passing(after: .hours(9)), rests: 300),
                    .ask(0, .goes, at: "other"),
                ]
            ),
        ] as [(String, [Event])])
    func `What may be tried`(name: String, events: [Event]) {
        var standings = ProxyStandings()
        var moment = ProxyStandings.Moment(now: .uptimeNanoseconds(1_000_000_000_000), time: 1_800_000_000)
        func host(_ name: String) -> HostPort { HostPort(host: name, port: 8443) }
        for (index, event) in events.enumerated() {
            let place = Comment(rawValue: "\(name), event \(index + 1): \(event)")
            switch event {
            case .wait(let seconds):
                moment.now = moment.now + .seconds(Int64(seconds))
                moment.time += seconds
            case .ask(let account, let said, let server):
                switch (standings.ask(Self.accounts[account], for: host(server), at: moment.now), said) {
                case (.granted, .goes), (.busy, .busy), (.refused, .rests): break
                case (let answer, _): Issue.record("\(place): it said \(answer)")
                }
            case .opens(let account, let server):
                #expect(standings.settle(Self.accounts[account], for: host(server), .opened(by: nil), at: moment) == nil, place)
            case .fails(let account):
                #expect(standings.settle(Self.accounts[account], for: host("server"), .failed, at: moment) == nil, place)
            case .refuses(let account, let kind, let rests):
                let refusal = ProxyRefusal(kind, "no")
                let rest = standings.settle(Self.accounts[account], for: host("server"), .refused(refusal), at: moment)
                #expect(rest?.until == rests.map { moment.now + .seconds(Int64($0)) }, place)
                #expect(rest?.time == rests.map { moment.time + $0 }, place)
                #expect(refusal.rests == (rests != nil), place)
            case .lost(let account): standings.lost(Self.accounts[account])
            }
        }
    }

    /// Whatever is asked for, there is a bound to what is remembered, and nobody waits for ever.
    @Test func `Many accounts and servers`() {
        var standings = ProxyStandings()
        let moment = ProxyStandings.Moment(now: .uptimeNanoseconds(1_000_000_000_000), time: 0)
        for number in 0..<2_000 {
            let account = ProxyStandings.Account(proxy: HostPort(host: "proxy\(number)", port: 1), credentials: nil)
            let server = HostPort(host: "server", port: 1)
            #expect(standings.ask(account, for: server, at: moment.now) == .granted(habit: nil))
            standings.settle(account, for: server, .refused(ProxyRefusal(.server, "no")), at: moment)
        }
        let one = ProxyStandings.Account(proxy: HostPort(host: "proxy", port: 1), credentials: nil)
        for number in 0..<2_000 {
            let server = HostPort(host: "server\(number)", port: 1)
            #expect(standings.ask(one, for: server, at: moment.now) == .granted(habit: nil))
            standings.settle(one, for: server, .refused(ProxyRefusal(.server, "no")), at: moment)
        }
        #expect(standings.remembered.accounts <= 256 && standings.remembered.servers <= 256 * 64)
    }

    /// What a proxy took is what it is shown next. A nonce counts on for all that use it, and is used only as long as somebody was just let in.
    @Test func `Habits`() throws {
        var standings = ProxyStandings()
        var moment = ProxyStandings.Moment(now: .uptimeNanoseconds(1_000_000_000_000), time: 0)
        let (account, server) = (Self.accounts[0], HostPort(host: "server", port: 1))
        func ask() -> ProxyStandings.Permission { standings.ask(account, for: server, at: moment.now) }
        func settle(_ outcome: ProxyStandings.Outcome) { standings.settle(account, for: server, outcome, at: moment) }
        let challenge = try #require(
            DigestChallenge(AuthenticationSchemes(["Digest realm=x, nonce=n, qop=auth"]).challenges[0]))
        func digest(_ count: UInt32) -> ProxyHabit { .digest(DigestSession(challenge: challenge, count: count)) }

        #expect(ask() == .granted(habit: nil))
        settle(.opened(by: digest(2)))
        for count in [2, 3, 4] as [UInt32] { #expect(ask() == .granted(habit: digest(count))) }
        for count in [3, 5, 4] as [UInt32] { settle(.opened(by: digest(count))) }
        #expect(ask() == .granted(habit: digest(5)))
        settle(.failed)
        moment.now = moment.now + .seconds(10)
        #expect(ask() == .granted(habit: nil))
        settle(.opened(by: .basic))
        moment.now = moment.now + .hours(10)
        #expect(ask() == .granted(habit: .basic))
        settle(.refused(ProxyRefusal(.passing(after: nil), "later")))
        #expect(ask() == .granted(habit: .basic))
        settle(.refused(ProxyRefusal(.credentials, "no")))
        moment.now = moment.now + .hours(1)
        #expect(ask() == .granted(habit: nil))
    }

    /// Those who wait for an attempt hear of its end, even if nobody says it.
    @Test func `Loops wait for each other`() throws {
        let tries = ProxyTries()
        let proxy = try ProxyAddress(url: "http://anna:secret@proxy.example:3128")
        let server = HostPort(host: "Server.example.", port: 8443)
        let loop = MultiThreadedLoop.shared
        func ask() -> ProxyTries.Answer { tries.ask(proxy, for: server, on: loop) }

        guard case .granted(let first) = ask(), case .busy(let ending) = ask(), case .busy(let other) = ask() else {
            throw Unexpected()
        }
        first.failed("nothing came")
        for ending in [ending, other] { #expect(try ending.wait().failure == "nothing came") }
        do {
            guard case .granted = ask() else { throw Unexpected() }
        }
        guard case .granted(let third) = ask(), case .busy(let last) = ask() else { throw Unexpected() }
        #expect(third.refused(ProxyRefusal(.credentials, "refused")) != nil)
        // What is known now tells who asks again.
        let end = try last.wait()
        #expect(end.failure == nil && end.server.host == "server.example")
        guard case .refused(let rest) = ask(), rest.refusal.reason == "refused" else { throw Unexpected() }
        third.opened(by: .basic)
        guard case .refused = ask() else { throw Unexpected() }
    }

    private struct Unexpected: Error {}
}
