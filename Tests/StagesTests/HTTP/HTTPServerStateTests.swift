import HTTPMessages
import Pipeline
import Testing

@testable import TunnelStages

/// Each state of a client's HTTP/1 connection with each event.
@Suite struct HTTPServerStateTests {
    enum Place: String, CaseIterable {
        case new, waiting, reading, read, upgrading, answered, tunnel, lingering, over
    }

    enum Event: String, CaseIterable {
        case read, readOnIdle, readOnBusy, requestEnd, respond, agree, decline, responseEnd, finish, inputClosed, drain, end
    }

    private let bench = ExchangeBench()

    private func request(_ body: BodyLength = .none, keepsAlive: Bool = true) -> HTTPServerState.Request {
        .init(body: body, keepsAlive: keepsAlive)
    }

    private func state(_ place: Place) -> HTTPServerState {
        var state = HTTPServerState()
        if place == .new { return state }
        state.headRead(minorVersion: 1)
        switch place {
        case .new, .waiting: break
        case .reading: state.begin(bench.exchange(body: .known(5)).0, request(.known(5)))
        case .read:
            state.begin(bench.exchange().0, request())
            _ = state.requestEnded()
        case .upgrading: state.begin(bench.exchange(kind: .upgrade).0, request())
        case .answered:
            state.begin(bench.exchange().0, request())
            _ = state.responseEnded(isUntilClose: false)
        case .tunnel: state.begin(bench.exchange("CONNECT", "a.test:1", kind: .tunnel).0, request())
        case .lingering: state.finish()
        case .over: _ = state.end()
        }
        return state
    }

    /// Which state it is in, by what it answers.
    private func name(_ state: HTTPServerState) -> String {
        if state.isTunnel { return "tunnel" }
        if state.isPipelining { return "read" }
        if state.exchange != nil { return "reading" }
        var probe = state
        if state.isWaiting { return probe.readOn(isParserIdle: true) == .nothing ? "answered" : "waiting" }
        return "silent"
    }

    private func apply(_ event: Event, to state: inout HTTPServerState) -> String {
        switch event {
        case .read: return "\(state.read())"
        case .readOnIdle: return "\(state.readOn(isParserIdle: true))"
        case .readOnBusy: return "\(state.readOn(isParserIdle: false))"
        case .requestEnd: return "\(state.requestEnded())"
        case .respond: return "\(state.responding(opensTunnel: false, isInformational: false))"
        case .agree: return "\(state.upgraded(true, hasMore: false))"
        case .decline: return "\(state.upgraded(false, hasMore: false))"
        case .responseEnd: return "\(state.responseEnded(isUntilClose: false))"
        case .finish:
            state.finish()
            return ""
        case .inputClosed: return "\(state.inputClosed())"
        case .drain: return "\(state.drain(isParserIdle: true))"
        case .end: return state.end() == nil ? "-" : "exchange"
        }
    }

    /// What is answered, and what the state is then.
    private static let table: [Place: [Event: (String, String)]] = [
        .new: [
            .read: ("parse", "waiting"), .readOnIdle: ("idle(isUnused: false)", "waiting"), .readOnBusy: ("headBegun", "waiting"),
            .requestEnd: ("keep", "waiting"), .respond: ("false", "waiting"), .agree: ("tunnel", "waiting"),
            .decline: ("tunnel", "waiting"), .responseEnd: ("readEnd", "waiting"), .finish: ("", "silent"),
            .inputClosed: ("close", "answered"), .drain: ("waitForFirst", "waiting"), .end: ("-", "silent"),
        ],
        .waiting: [
            .read: ("parse", "waiting"), .readOnIdle: ("idle(isUnused: true)", "waiting"), .readOnBusy: ("headBegun", "waiting"),
            .requestEnd: ("keep", "waiting"), .respond: ("false", "waiting"), .agree: ("tunnel", "waiting"),
            .decline: ("tunnel", "waiting"), .responseEnd: ("readEnd", "waiting"), .finish: ("", "silent"),
            .inputClosed: ("close", "answered"), .drain: ("close", "waiting"), .end: ("-", "silent"),
        ],
        .reading: [
            .read: ("parse", "reading"), .readOnIdle: ("nothing", "reading"), .readOnBusy: ("nothing", "reading"),
            .requestEnd: ("pass", "read"), .respond: ("false", "reading"), .agree: ("tunnel", "tunnel"),
            .decline: ("resume(endsRequest: false)", "reading"), .responseEnd: ("finish(hasAll: false)", "silent"),
            .finish: ("", "silent"), .inputClosed: ("close", "reading"), .drain: ("nothing", "reading"),
            .end: ("exchange", "silent"),
        ],
        .read: [
            .read: ("parse", "read"), .readOnIdle: ("nothing", "read"), .readOnBusy: ("nothing", "read"),
            .requestEnd: ("pass", "read"), .respond: ("true", "read"), .agree: ("tunnel", "tunnel"),
            .decline: ("resume(endsRequest: true)", "read"), .responseEnd: ("next", "waiting"), .finish: ("", "silent"),
            .inputClosed: ("close", "read"), .drain: ("nothing", "read"), .end: ("exchange", "silent"),
        ],
        .upgrading: [
            .read: ("parse", "read"), .readOnIdle: ("nothing", "read"), .readOnBusy: ("nothing", "read"),
            .requestEnd: ("keep", "read"), .respond: ("true", "read"), .agree: ("tunnel", "tunnel"),
            .decline: ("resume(endsRequest: true)", "read"), .responseEnd: ("next", "waiting"), .finish: ("", "silent"),
            .inputClosed: ("close", "read"), .drain: ("nothing", "read"), .end: ("exchange", "silent"),
        ],
        .answered: [
            .read: ("parse", "answered"), .readOnIdle: ("nothing", "answered"), .readOnBusy: ("nothing", "answered"),
            .requestEnd: ("complete(\(HTTPServerState.OnResponseEnd.next))", "waiting"), .respond: ("false", "answered"),
            .agree: ("tunnel", "answered"), .decline: ("tunnel", "answered"), .responseEnd: ("readEnd", "answered"),
            .finish: ("", "silent"), .inputClosed: ("close", "answered"), .drain: ("close", "answered"), .end: ("-", "silent"),
        ],
        .tunnel: [
            .read: ("passOn", "tunnel"), .readOnIdle: ("nothing", "tunnel"), .readOnBusy: ("nothing", "tunnel"),
            .requestEnd: ("keep", "tunnel"), .respond: ("false", "tunnel"), .agree: ("tunnel", "tunnel"),
            .decline: ("tunnel", "tunnel"), .responseEnd: ("finish(hasAll: false)", "silent"),
            // It is owed credit for what isn't out yet.
            .finish: ("", "reading"), .inputClosed: ("close", "tunnel"), .drain: ("nothing", "tunnel"),
            .end: ("exchange", "silent"),
        ],
        .lingering: [
            .read: ("drop", "silent"), .readOnIdle: ("nothing", "silent"), .readOnBusy: ("nothing", "silent"),
            .requestEnd: ("keep", "silent"), .respond: ("false", "silent"), .agree: ("tunnel", "silent"),
            .decline: ("tunnel", "silent"), .responseEnd: ("readEnd", "silent"), .finish: ("", "silent"),
            .inputClosed: ("close", "silent"), .drain: ("close", "silent"), .end: ("-", "silent"),
        ],
        .over: [
            .read: ("drop", "silent"), .readOnIdle: ("nothing", "silent"), .readOnBusy: ("nothing", "silent"),
            .requestEnd: ("keep", "silent"), .respond: ("false", "silent"), .agree: ("tunnel", "silent"),
            .decline: ("tunnel", "silent"), .responseEnd: ("readEnd", "silent"), .finish: ("", "silent"),
            .inputClosed: ("close", "silent"), .drain: ("close", "silent"), .end: ("-", "silent"),
        ],
    ]

    @Test(arguments: Place.allCases, Event.allCases)
    func `Each state with each event`(place: Place, event: Event) throws {
        let expected = try #require(Self.table[place]?[event])
        var state = state(place)
        let answer = apply(event, to: &state).replacing("TunnelStages.HTTPServerState.OnResponseEnd.", with: "")
        #expect(answer == expected.0)
        #expect(name(state) == expected.1)
    }

    /// Which states take the next part of what was read.
    @Test(arguments: Place.allCases)
    func `A request is read when the one before it is answered`(place: Place) {
        let expected: Set<Place> = [.new, .waiting, .reading, .answered]
        #expect(state(place).mayParse == expected.contains(place))
    }

    // MARK: - Whether the connection is kept

    /// What the head says, whether the response ends with the connection, whether the client is there and the program stays, and whether the
    /// connection is kept.
    @Test(
        arguments: [
            (true, false, true, true, true), (false, false, true, true, false), (true, true, true, true, false),
            (true, false, false, true, false), (true, false, true, false, false),
        ])
    func `A connection is kept`(_ keeps: Bool, _ untilClose: Bool, _ isThere: Bool, _ stays: Bool, _ isKept: Bool) {
        for isAnsweredEarly in [false, true] {
            var state = state(.waiting)
            state.begin(bench.exchange().0, request(keepsAlive: keeps))
            if !isAnsweredEarly { _ = state.requestEnded() }
            if !isThere { _ = state.inputClosed() }
            if !stays { _ = state.drain(isParserIdle: false) }
            let next = state.responseEnded(isUntilClose: untilClose)
            let last = isAnsweredEarly ? state.requestEnded() : .complete(next)
            #expect(last == .complete(isKept ? .next : .finish(hasAll: true)))
        }
    }

    /// What the head of an answer may say.
    @Test func `A head says that the connection is kept only if it is`() {
        var early = state(.waiting)
        early.begin(bench.exchange(body: .known(5)).0, request(.known(5)))
        #expect(early.responding(opensTunnel: false, isInformational: false) == false)
        var bodyless = state(.waiting)
        bodyless.begin(bench.exchange().0, request())
        #expect(bodyless.responding(opensTunnel: false, isInformational: true) == true)
        _ = bodyless.drain(isParserIdle: false)
        #expect(bodyless.responding(opensTunnel: false, isInformational: true) == true)
        #expect(bodyless.responding(opensTunnel: false, isInformational: false) == false)
        #expect(bodyless.responseEnded(isUntilClose: false) == .readEnd)
        #expect(bodyless.requestEnded() == .complete(.finish(hasAll: true)))
    }

    @Test func `What stands behind a request for another protocol isn't taken for a request`() {
        var state = state(.upgrading)
        #expect(state.upgraded(false, hasMore: true) == .resume(endsRequest: true))
        #expect(state.responding(opensTunnel: false, isInformational: false) == false)
        #expect(state.responseEnded(isUntilClose: false) == .finish(hasAll: true))
    }

    @Test(arguments: [(BodyLength.known(0), true), (.none, true), (.known(3), false), (.unknown, false)])
    func `A request for another protocol has its body first`(_ body: BodyLength, _ isComplete: Bool) {
        var state = state(.waiting)
        state.begin(bench.exchange(kind: .upgrade, body: body).0, request(body))
        #expect(state.isPipelining == isComplete)
        #expect(state.requestEnded() == .keep)
        #expect(state.isPipelining)
    }

    // MARK: - A client that closes its half

    @Test func `Of a part of an answer nobody is to think that it is the whole`() {
        var state = state(.read)
        state.exchange?.sendResponseHead(ResponseHead(status: 200, body: .known(5)))
        #expect(state.inputClosed() == .reset)
    }

    @Test func `A tunnel's half may end by itself`() {
        var state = state(.tunnel)
        state.exchange?.sendResponseHead(ResponseHead(status: 200, reason: "OK"))
        #expect(state.inputClosed() == .endTunnel)
        #expect(state.isInputClosed)
    }

    // MARK: - How long a head may take

    @Test func `A head's time begins once`() {
        var state = state(.waiting)
        #expect(state.readOn(isParserIdle: false) == .headBegun)
        #expect(state.readOn(isParserIdle: false) == .nothing)
        #expect(state.refusesLateHead(isParserIdle: false) && !state.refusesLateHead(isParserIdle: true))
        state.headRead(minorVersion: 0)
        #expect(state.minorVersion == 0)
        #expect(state.readOn(isParserIdle: false) == .headBegun)
        _ = state.inputClosed()
        #expect(!state.refusesLateHead(isParserIdle: false))
        #expect(state.readOn(isParserIdle: false) == .nothing)
    }

    @Test(arguments: Place.allCases)
    func `Only who is to send a head is told that it is late`(place: Place) {
        let expected: Set<Place> = [.new, .waiting, .answered]
        #expect(state(place).refusesLateHead(isParserIdle: false) == expected.contains(place))
    }
}
