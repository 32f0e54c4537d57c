import NIOCore
import Testing

@testable import TunnelStages

/// Each state of a dialer with each event, and the times in between.
@Suite struct DialStateTests {
    enum Place: String, CaseIterable {
        /// Nothing was tried.
        case new
        /// Many rounds have failed, and another before its time may succeed.
        case rested
        case dialing, connected, up, stopped
    }

    enum Event: String, CaseIterable {
        case dial, dialNowhere, heard, want, connect, establish, retire, fail, stop
    }

    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    private let start = DialStateTests.start
    private var chance = Chance()

    /// Each run the same.
    struct Chance: RandomNumberGenerator {
        private var state: UInt64 = 1
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    private func state(_ place: Place, ways: Int = 2) -> DialState {
        var chance = chance
        var state = DialState(patience: .seconds(10))
        switch place {
        case .new: break
        case .rested:
            for _ in 0..<12 {
                _ = state.dial(ways: 1, at: start)
                _ = state.failed(.init(sentence: "refused"), at: start, using: &chance)
            }
        case .dialing: _ = state.dial(ways: ways, at: start)
        case .connected:
            _ = state.dial(ways: ways, at: start)
            _ = state.connected()
        case .up:
            _ = state.dial(ways: ways, at: start)
            _ = state.connected()
            _ = state.established()
        case .stopped: state.stop()
        }
        return state
    }

    /// Which state it is in, by what it answers.
    private func name(_ state: DialState) -> String {
        if state.isUp { return "up" }
        if state.isResting { return "resting" }
        var (probe, chance) = (state, chance)
        if probe.connected() { return "dialing \(state.way)" }
        return probe.retired(at: start, using: &chance) == nil ? "stopped" : "connected \(state.way)"
    }

    private func apply(_ event: Event, to state: inout DialState, at now: NIODeadline) -> String {
        var chance = chance
        func text<T>(_ value: T?) -> String { value.map { "\($0)" } ?? "-" }
        switch event {
        case .dial: return text(state.dial(ways: 2, at: now))
        case .dialNowhere: return text(state.dial(ways: nil, at: now))
        case .heard: return "\(state.heardOfServer())"
        case .want: return state.want(isWorthDialing: true, at: now) == nil ? "-" : "sooner"
        case .connect: return "\(state.connected())"
        case .establish: return "\(state.established())"
        case .retire: return state.retired(at: now, using: &chance) == nil ? "-" : "redial"
        case .fail:
            switch state.failed(.init(sentence: "fault"), at: now, using: &chance) {
            case .redial: return "redial"
            case .tryNext: return "next"
            case .rest(_, let reason): return "rest: \(reason)"
            case .nothing: return "-"
            }
        case .stop:
            state.stop()
            return ""
        }
    }

    /// What is answered, and what the state is then.
    private static let table: [Place: [Event: (String, String)]] = [
        .new: [
            .dial: ("0", "dialing 0"), .dialNowhere: ("-", "resting"), .heard: ("true", "resting"), .want: ("-", "resting"),
            .connect: ("false", "resting"), .establish: ("false", "resting"), .retire: ("-", "resting"), .fail: ("-", "resting"),
            .stop: ("", "stopped"),
        ],
        .rested: [
            .dial: ("0", "dialing 0"), .dialNowhere: ("-", "resting"), .heard: ("true", "resting"), .want: ("sooner", "resting"),
            .connect: ("false", "resting"), .establish: ("false", "resting"), .retire: ("-", "resting"), .fail: ("-", "resting"),
            .stop: ("", "stopped"),
        ],
        .dialing: [
            .dial: ("0", "dialing 0"), .dialNowhere: ("-", "resting"), .heard: ("false", "dialing 0"), .want: ("-", "dialing 0"),
            .connect: ("true", "connected 0"), .establish: ("false", "dialing 0"), .retire: ("-", "dialing 0"),
            .fail: ("next", "dialing 1"), .stop: ("", "stopped"),
        ],
        .connected: [
            .dial: ("-", "connected 0"), .dialNowhere: ("-", "connected 0"), .heard: ("false", "connected 0"),
            .want: ("-", "connected 0"), .connect: ("false", "connected 0"), .establish: ("true", "up"),
            .retire: ("redial", "resting"), .fail: ("next", "dialing 1"), .stop: ("", "stopped"),
        ],
        .up: [
            .dial: ("-", "up"), .dialNowhere: ("-", "up"), .heard: ("false", "up"), .want: ("-", "up"), .connect: ("false", "up"),
            .establish: ("false", "up"), .retire: ("redial", "resting"), .fail: ("redial", "resting"), .stop: ("", "stopped"),
        ],
        .stopped: [
            .dial: ("-", "stopped"), .dialNowhere: ("-", "stopped"), .heard: ("false", "stopped"), .want: ("-", "stopped"),
            .connect: ("false", "stopped"), .establish: ("false", "stopped"), .retire: ("-", "stopped"), .fail: ("-", "stopped"),
            .stop: ("", "stopped"),
        ],
    ]

    @Test(arguments: Place.allCases, Event.allCases)
    func `Each state with each event`(place: Place, event: Event) throws {
        let expected = try #require(Self.table[place]?[event])
        var state = state(place)
        let answer = apply(event, to: &state, at: start)
        #expect(answer == expected.0)
        #expect(name(state) == expected.1)
    }

    @Test func `All ways are tried, then all at once are the reason`() {
        var (state, chance) = (state(.dialing, ways: 3), chance)
        for (way, sentence) in ["one", "two"].enumerated() {
            #expect(state.way == way)
            #expect(state.failed(.init(sentence: sentence), at: start, using: &chance) == .tryNext)
            #expect(state.dial(ways: 3, at: start) == way + 1)
        }
        guard case .rest(let wait, "one; two; three") = state.failed(.init(sentence: "three"), at: start, using: &chance) else {
            Issue.record("three ways have failed")
            return
        }
        #expect((50...100).contains(wait.nanoseconds / 1_000_000))
        #expect(state.dial(ways: 3, at: start) == 0)
    }

    @Test func `Another address of the same way is tried before the next way`() {
        var (state, chance) = (state(.connected, ways: 2), chance)
        let fault = DialState.Fault(sentence: "1", hasOtherAddress: true)
        #expect(state.failed(fault, at: start, using: &chance) == .tryNext)
        #expect(state.dial(ways: 2, at: start) == 0)
        #expect(state.failed(.init(sentence: "2"), at: start, using: &chance) == .tryNext)
        #expect(state.dial(ways: 2, at: start) == 1)
        guard case .rest(_, let reason) = state.failed(.init(sentence: "3"), at: start, using: &chance) else {
            Issue.record("both ways have failed")
            return
        }
        #expect(reason == "1; 2; 3")
    }

    @Test func `A detour comes before a round, and what comes of it doesn't count`() {
        for hasConnected in [false, true] {
            var (state, chance) = (state(.new), chance)
            #expect(state.dial(ways: 2, detour: 1, at: start) == 1)
            #expect(state.isDetour)
            if hasConnected { #expect(state.connected() == true) }
            let hopeless = DialState.Fault(sentence: "elsewhere", isLasting: true, isMismatch: true)
            #expect(state.failed(hopeless, at: start, using: &chance) == .tryNext)
            #expect(!state.isDetour)
            // The round, from its first way on; there is no second detour in it.
            for (way, sentence) in ["one", "two"].enumerated() {
                #expect(state.dial(ways: 2, detour: 1, at: start) == way)
                let outcome = state.failed(.init(sentence: sentence), at: start, using: &chance)
                if way == 0 {
                    #expect(outcome == .tryNext)
                } else if case .rest(let wait, "one; two") = outcome {
                    // Nor is it a fault that only a change mends, after which the rest is of seconds.
                    #expect(wait <= .milliseconds(100))
                } else {
                    Issue.record("\(outcome)")
                }
            }
            #expect(state.dial(ways: 2, detour: 0, at: start) == 0)
            #expect(state.isDetour)
        }
    }

    @Test func `A connection by a detour is by that way`() {
        var (state, chance) = (state(.new), chance)
        _ = state.dial(ways: 3, detour: 2, at: start)
        #expect(state.connected() == true)
        #expect(state.established() == true)
        #expect(state.way == 2 && state.isUp && !state.isDetour)
        guard case .redial = state.failed(.init(sentence: "lost"), at: start, using: &chance) else {
            Issue.record("it was up")
            return
        }
        #expect(state.dial(ways: 3, at: start) == 0)
        #expect(DialState(patience: .seconds(1)).isDetour == false)
    }

    @Test func `Nobody makes a detour who doesn't know the server, or is asked not to dial`() {
        var state = state(.new)
        #expect(state.dial(ways: nil, detour: 0, at: start) == nil)
        #expect(state.isResting && !state.isDetour)
    }

    @Test func `Which way leads there is known while it is up, and all are tried when it is lost`() {
        var (state, chance) = (state(.dialing), chance)
        _ = state.failed(.init(sentence: "one"), at: start, using: &chance)
        _ = state.dial(ways: 2, at: start)
        _ = state.connected()
        #expect(state.established() == true)
        #expect(state.way == 1)
        _ = state.failed(.init(sentence: "lost"), at: start, using: &chance)
        #expect(state.dial(ways: 2, at: start) == 0)
    }

    /// The longest rest after as many rounds, in milliseconds.
    private func rest(after rounds: Int, _ state: inout DialState, _ fault: DialState.Fault) -> Int64 {
        var chance = chance
        var last: Int64 = 0
        for _ in 0..<rounds {
            _ = state.dial(ways: 1, at: start)
            if case .rest(let wait, _) = state.failed(fault, at: start, using: &chance) { last = wait.nanoseconds / 1_000_000 }
        }
        return last
    }

    @Test func `Rests grow, and are short again behind a connection that worked and behind news of the server`() {
        var state = state(.new)
        #expect((7_500...15_000).contains(rest(after: 12, &state, .init(sentence: "fault"))))
        _ = state.heardOfServer()
        #expect(rest(after: 1, &state, .init(sentence: "fault")) <= 100)
        _ = rest(after: 12, &state, .init(sentence: "fault"))
        _ = state.dial(ways: 1, at: start)
        _ = state.connected()
        _ = state.established()
        var chance = chance
        let wait = state.retired(at: start, using: &chance)
        #expect(wait.map { $0 <= .milliseconds(100) } == true)
    }

    /// Whether each way's fault is lasting, and whether the rest is a long one.
    @Test(arguments: [([true], true), ([false], false), ([true, true], true), ([true, false], false), ([false, true], false)])
    func `What only a change mends is tried seldom, if it is so on all ways`(_ faults: [Bool], _ isLong: Bool) {
        var (state, chance) = (state(.new), chance)
        var rest = TimeAmount.zero
        for _ in 0..<12 {
            for fault in faults {
                _ = state.dial(ways: faults.count, at: start)
                let outcome = state.failed(.init(sentence: "fault", isLasting: fault), at: start, using: &chance)
                if case .rest(let wait, _) = outcome { rest = wait }
            }
        }
        #expect((rest >= .seconds(30)) == isLong)
        // Nor because somebody asks.
        #expect((state.want(isWorthDialing: true, at: start) == nil) == isLong)
    }

    @Test func `A server that doesn't go with this side isn't dialled sooner because somebody asks`() {
        var state = state(.new)
        _ = rest(after: 12, &state, .init(sentence: "fault", isMismatch: true))
        #expect(state.want(isWorthDialing: true, at: start) == nil)
    }

    @Test func `One that sleeps isn't dialled because somebody asks`() {
        var state = state(.rested)
        #expect(state.want(isWorthDialing: false, at: start) == nil)
    }

    @Test func `While somebody waits rests are a second at most`() {
        var state = state(.new)
        _ = rest(after: 12, &state, .init(sentence: "fault"))
        _ = state.want(isWorthDialing: true, at: start)
        #expect(rest(after: 1, &state, .init(sentence: "fault")) == 1_000)
    }

    @Test func `Who wants it while it is dialled has the next round soon`() {
        var (state, chance) = (state(.new), chance)
        _ = rest(after: 12, &state, .init(sentence: "fault"))
        _ = state.dial(ways: 1, at: start)
        #expect(state.want(isWorthDialing: true, at: start) == nil)
        let outcome = state.failed(.init(sentence: "fault"), at: start, using: &chance)
        #expect(outcome == .rest(.seconds(1), because: "fault"))
    }

    @Test func `While a server is woken rests are as short as that is wanted`() {
        var state = DialState(patience: .seconds(10), retryInterval: .seconds(2))
        #expect(rest(after: 12, &state, .init(sentence: "fault")) == 2_000)
    }

    private func resting(_ kind: ProxyRefusal.Kind, for length: TimeAmount) -> ProxyStandings.Rest {
        .init(refusal: .init(kind, "refused"), until: start + length, time: 0)
    }

    @Test func `Where all ways rest nothing is tried before one of them ends`() {
        var (state, chance) = (state(.dialing), chance)
        let rests = [resting(.server, for: .seconds(300)), resting(.server, for: .seconds(200))]
        #expect(state.failed(.init(sentence: "1", rest: rests[0]), at: start, using: &chance) == .tryNext)
        let outcome = state.failed(.init(sentence: "2", rest: rests[1]), at: start, using: &chance)
        #expect(outcome == .rest(.seconds(200), because: "1; 2"))
        #expect(state.isHopeless(for: .seconds(10), at: start))
        #expect(state.want(isWorthDialing: true, at: start) == nil)
        _ = state.dial(ways: 2, at: start)
        #expect(!state.isHopeless(for: .seconds(10), at: start))
    }

    @Test func `Where one way rests the others are tried as ever`() {
        var (state, chance) = (state(.dialing), chance)
        _ = state.failed(.init(sentence: "1", rest: resting(.server, for: .seconds(300))), at: start, using: &chance)
        guard case .rest(let wait, _) = state.failed(.init(sentence: "2"), at: start, using: &chance) else {
            Issue.record("both ways have failed")
            return
        }
        #expect(wait <= .milliseconds(100) && !state.isHopeless(for: .zero, at: start))
    }

    /// How long somebody would wait, and whether that is of no use where a proxy asks to come back in 30 s.
    @Test(arguments: [(10, true), (29, true), (30, false), (60, false)] as [(Int64, Bool)])
    func `A proxy that asks to come back is waited for by who has the time`(_ wait: Int64, _ isHopeless: Bool) {
        var (state, chance) = (state(.dialing, ways: 1), chance)
        let rest = resting(.passing(after: .seconds(30)), for: .seconds(30))
        _ = state.failed(.init(sentence: "busy", rest: rest), at: start, using: &chance)
        #expect(state.isHopeless(for: .seconds(wait), at: start) == isHopeless)
    }
}
