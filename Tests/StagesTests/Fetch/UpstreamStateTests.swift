import HTTPMessages
import Pipeline
import Testing

@testable import TunnelStages

/// Each state of a connection to an origin with each event.
@Suite struct UpstreamStateTests {
    enum Place: String, CaseIterable { case connecting, idle, awaiting, answering, answered, tunnel, abandoned, closed }

    enum Event: String, CaseIterable {
        case begin, requestEnd, informational, head, upgradeHead, end, finish, abandon, read, inputClosed, expire, close
    }

    private let bench = ExchangeBench()

    private func state(_ place: Place, isReused: Bool = false) -> UpstreamState {
        var state = UpstreamState(isSecured: true)
        if place == .connecting { return state }
        state.connected()
        if place == .idle { return state }
        let (exchange, _) = place == .tunnel ? bench.exchange("CONNECT", "a.test:1", kind: .tunnel) : bench.exchange()
        _ = state.begin(exchange, isReused: isReused)
        if place == .answering || place == .answered { state.receivedHead(keepsAlive: true, opensTunnel: false) }
        if place == .answered { state.receivedEnd(nil) }
        if place == .abandoned { _ = state.abandon() }
        if place == .closed { _ = state.closed(because: .end) }
        return state
    }

    /// Which state it is in, by what it answers.
    private func name(_ state: UpstreamState) -> String {
        if state.isTunnel { return "tunnel" }
        if state.isAnswered { return "answered" }
        if state.isIdle { return "idle" }
        if state.isAnswering { return state.hasResponseBegun ? "answering" : "awaiting" }
        var probe = state
        return probe.closed(because: .end) == .leave ? "abandoned" : "none"
    }

    private func apply(_ event: Event, to state: inout UpstreamState) -> String {
        switch event {
        case .begin: return "\(state.begin(bench.exchange().0, isReused: true))"
        case .requestEnd:
            state.requestEnded()
            return ""
        case .informational: return "\(state.receivedInformational())"
        case .head:
            state.receivedHead(keepsAlive: true, opensTunnel: false)
            return ""
        case .upgradeHead:
            state.receivedHead(keepsAlive: true, opensTunnel: true)
            return ""
        case .end:
            state.receivedEnd(nil)
            return ""
        case .finish: return state.finishTurn(isClean: true) == nil ? "-" : "finished"
        case .abandon: return state.abandon() == nil ? "-" : "exchange"
        case .read: return "\(state.read())"
        case .inputClosed: return "\(state.inputClosed())"
        case .expire: return "\(state.expired())"
        case .close: return "\(state.closed(because: .end))"
        }
    }

    /// What is answered and what the state is then, where that isn't nothing and the state before.
    private static let table: [Place: [Event: (String, String)]] = [
        .connecting: [
            .begin: ("false", "none"), .informational: ("false", "none"), .finish: ("-", "none"), .abandon: ("-", "none"),
            .read: ("drop", "none"), .inputClosed: ("discard", "none"), .expire: ("discard", "none"), .close: ("nothing", "none"),
        ],
        .idle: [
            .begin: ("true", "awaiting"), .informational: ("false", "idle"), .finish: ("-", "idle"), .abandon: ("-", "idle"),
            .read: ("discard", "idle"), .inputClosed: ("discard", "idle"), .expire: ("discard", "idle"), .close: ("leave", "none"),
        ],
        .awaiting: [
            .begin: ("false", "awaiting"), .informational: ("true", "awaiting"), .head: ("", "answering"),
            .upgradeHead: ("", "tunnel"), .end: ("", "answered"), .finish: ("-", "awaiting"), .abandon: ("exchange", "abandoned"),
            .read: ("parse", "awaiting"), .inputClosed: ("endResponse", "awaiting"),
            .expire: ("fail(isAnswering: false)", "awaiting"), .close: ("abort", "none"),
        ],
        .answering: [
            .begin: ("false", "answering"), .informational: ("true", "answering"), .upgradeHead: ("", "tunnel"),
            .end: ("", "answered"), .finish: ("-", "answering"), .abandon: ("exchange", "abandoned"), .read: ("parse", "answering"),
            .inputClosed: ("endResponse", "answering"), .expire: ("fail(isAnswering: true)", "answering"),
            .close: ("abort", "none"),
        ],
        .answered: [
            .begin: ("false", "answered"), .informational: ("false", "answered"), .finish: ("finished", "idle"),
            .abandon: ("exchange", "abandoned"), .read: ("keep", "answered"), .inputClosed: ("complete", "answered"),
            .expire: ("discard", "answered"), .close: ("complete(trailers: nil)", "none"),
        ],
        .tunnel: [
            .begin: ("false", "tunnel"), .informational: ("false", "tunnel"), .finish: ("-", "tunnel"),
            .abandon: ("exchange", "abandoned"), .read: ("passOn", "tunnel"), .inputClosed: ("endTunnel", "tunnel"),
            .expire: ("watchTunnel", "tunnel"), .close: ("completeTunnel", "none"),
        ],
        .abandoned: [
            .begin: ("false", "abandoned"), .informational: ("false", "abandoned"), .finish: ("-", "abandoned"),
            .abandon: ("-", "abandoned"), .read: ("drop", "abandoned"), .inputClosed: ("discard", "abandoned"),
            .expire: ("discard", "abandoned"), .close: ("leave", "none"),
        ],
        .closed: [
            .begin: ("false", "none"), .informational: ("false", "none"), .finish: ("-", "none"), .abandon: ("-", "none"),
            .read: ("drop", "none"), .inputClosed: ("discard", "none"), .expire: ("discard", "none"), .close: ("nothing", "none"),
        ],
    ]

    @Test(arguments: Place.allCases, Event.allCases)
    func `Each state with each event`(place: Place, event: Event) {
        var state = state(place)
        let before = name(state)
        let expected = Self.table[place]?[event] ?? ("", before)
        let answer = apply(event, to: &state)
        #expect(answer == expected.0)
        #expect(name(state) == expected.1)
        let isUsed = ["awaiting", "answering", "answered", "tunnel"].contains(expected.1)
        #expect((state.exchange != nil) == isUsed)
    }

    /// Whether it had carried another exchange, why it has ended, and what is done.
    @Test(
        arguments: [
            (true, .end, .retry), (true, .connectionError, .retry), (true, .protocolError, .abort), (false, .end, .abort),
            (false, .connectionError, .abort),
        ] as [(Bool, UpstreamState.Cause, UpstreamState.OnClosed)])
    func `What was lost before its answer is sent anew`(
        isReused: Bool, cause: UpstreamState.Cause, expected: UpstreamState.OnClosed
    ) {
        var state = state(.awaiting, isReused: isReused)
        #expect(state.closed(because: cause) == expected)
        #expect(state.closed(because: cause) == .nothing)
    }

    @Test func `Behind the answer's head nothing is sent anew`() {
        var state = state(.answering, isReused: true)
        #expect(state.closed(because: .end) == .abort)
    }

    @Test(arguments: [Place.awaiting, .answering, .answered, .tunnel], [UpstreamState.Cause.end, .connectionError])
    func `Of an exchange that has ended nothing is said any more`(place: Place, cause: UpstreamState.Cause) {
        var state = state(place, isReused: true)
        state.exchange?.reset(Failure(.cancelled, "left"))
        #expect(state.closed(because: cause) == .leave)
    }

    @Test(arguments: [UpstreamState.Cause.connectionError, .protocolError])
    func `A tunnel that breaks is not complete`(cause: UpstreamState.Cause) {
        var state = state(.tunnel)
        #expect(state.closed(because: cause) == .abort)
    }

    @Test func `Trailers aren't lost where the connection ends with the response`() {
        var state = state(.answering)
        state.receivedEnd(HeaderFields([("a", "b")]))
        #expect(state.closed(because: .protocolError) == .complete(trailers: HeaderFields([("a", "b")])))
    }

    /// Whether the request is complete, the head keeps the connection, everything is out and read, and the origin may say more.
    @Test(
        arguments: [
            (true, true, true, true, true), (false, true, true, true, false), (true, false, true, true, false),
            (true, true, false, true, false), (true, true, true, false, false),
        ])
    func `A connection serves another exchange`(
        _ isComplete: Bool, _ keeps: Bool, _ isClean: Bool, _ isOpen: Bool, _ isReusable: Bool
    ) {
        var state = state(.awaiting)
        if isComplete { state.requestEnded() }
        state.receivedHead(keepsAlive: keeps, opensTunnel: false)
        state.receivedEnd(nil)
        if !isOpen { _ = state.inputClosed() }
        #expect(state.finishTurn(isClean: isClean)?.isReusable == isReusable)
    }

    @Test func `What couldn't be written leaves the connection unused`() {
        var state = state(.awaiting)
        state.refused()
        #expect(state.isIdle && state.exchange == nil)
    }

    @Test func `A tunnel in which nothing passes for the whole time is silent`() {
        var state = state(.tunnel)
        #expect(state.expired() == .watchTunnel)
        state.touch()
        #expect(state.expired() == .watchTunnel)
        _ = state.read()
        #expect(state.expired() == .watchTunnel)
        #expect(state.expired() == .failSilent)
    }

    // MARK: - How long

    @Test(arguments: Place.allCases)
    func `How long what comes next may take`(place: Place) {
        let state = state(place)
        let answers = [true, false].flatMap { isReading in
            [true, false].map { state.wait(isReading: isReading, hasDeadline: $0) }
        }
        let heads = [true, false].flatMap { isReading in
            [true, false].map { state.waitForHead(isReading: isReading, hasDeadline: $0) }
        }
        switch place {
        case .awaiting:
            #expect(answers == [.asBefore, .firstByte, .unlimited, .unlimited])
            #expect(heads == [.firstByte, .firstByte, .asBefore, .asBefore])
        case .answering:
            #expect(answers == [.more, .more, .unlimited, .unlimited])
            #expect(heads == [.asBefore, .asBefore, .asBefore, .asBefore])
        default: #expect((answers + heads).allSatisfy { $0 == .asBefore })
        }
    }

    @Test func `The handshake is a part of connecting`() {
        var state = UpstreamState(isSecured: false)
        state.connected()
        _ = state.begin(bench.exchange().0, isReused: false)
        #expect(state.waitForHead(isReading: true, hasDeadline: false) == .connection)
        #expect(state.waitForHead(isReading: true, hasDeadline: true) == .asBefore)
        #expect(state.wait(isReading: true, hasDeadline: false) == .connection)
        #expect(state.secured(isReading: true) == .firstByte)
        #expect(state.waitForHead(isReading: true, hasDeadline: true) == .firstByte)
    }

    @Test func `While the client is waited for a handshake starts no clock`() {
        var state = UpstreamState(isSecured: false)
        state.connected()
        #expect(state.secured(isReading: true) == .asBefore)
        _ = state.begin(bench.exchange().0, isReused: false)
        #expect(state.secured(isReading: false) == .asBefore)
    }
}
