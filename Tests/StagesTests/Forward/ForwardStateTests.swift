import HTTPMessages
import Pipeline
import Testing

@testable import TunnelStages

/// Each state of a connection on a fixed way with each event.
@Suite struct ForwardStateTests {
    enum Place: String, CaseIterable { case waiting, asked, heardOut, tunnel, over }
    enum Event: String, CaseIterable { case answered, refused, inputClosed, end }

    private let bench = ExchangeBench()

    private func state(_ place: Place) -> ForwardState {
        var state = ForwardState()
        guard place != .waiting else { return state }
        state.begin(bench.exchange("CONNECT", "a.test:1", kind: .tunnel).0)
        switch place {
        case .waiting, .asked: break
        case .heardOut: _ = state.inputClosed()
        case .tunnel: _ = state.answered(200)
        case .over: _ = state.end()
        }
        return state
    }

    private func apply(_ event: Event, to state: inout ForwardState) -> String {
        switch event {
        case .answered: "\(state.answered(200))"
        case .refused: "\(state.answered(502))"
        case .inputClosed: "\(state.inputClosed())"
        case .end: state.end() == nil ? "nobody" : "exchange"
        }
    }

    private func name(_ state: ForwardState) -> String {
        if state.isWaiting { return "waiting" }
        if state.isTunnel { return "tunnel" }
        return state.exchange == nil ? "over" : "asked"
    }

    /// What each event leads to, and where it leads.
    private static let table: [Place: [Event: (String, String)]] = [
        .waiting: [
            .answered: ("nothing", "waiting"), .refused: ("nothing", "waiting"), .inputClosed: ("close", "waiting"),
            .end: ("nobody", "over"),
        ],
        .asked: [
            .answered: ("flow(isInputClosed: false)", "tunnel"), .refused: ("reset", "asked"), .inputClosed: ("wait", "asked"),
            .end: ("exchange", "over"),
        ],
        .heardOut: [
            .answered: ("flow(isInputClosed: true)", "tunnel"), .refused: ("reset", "asked"), .inputClosed: ("wait", "asked"),
            .end: ("exchange", "over"),
        ],
        .tunnel: [
            .answered: ("nothing", "tunnel"), .refused: ("nothing", "tunnel"), .inputClosed: ("endTunnel", "tunnel"),
            .end: ("exchange", "over"),
        ],
        .over: [
            .answered: ("nothing", "over"), .refused: ("nothing", "over"), .inputClosed: ("close", "over"),
            .end: ("nobody", "over"),
        ],
    ]

    @Test(arguments: Place.allCases, Event.allCases)
    func step(_ place: Place, _ event: Event) throws {
        var state = state(place)
        let action = apply(event, to: &state)
        let expected = try #require(Self.table[place]?[event])
        #expect(action == expected.0)
        #expect(name(state) == expected.1)
    }
}
