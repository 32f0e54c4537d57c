import HTTPMessages
import NIOCore
import Pipeline
import Testing

@testable import TunnelStages

/// Each state of a SOCKS client's connection with each event.
@Suite struct SOCKSStateTests {
    enum Place: String, CaseIterable { case negotiating, asked, open, refusedEarly, refused, over }
    enum Event: String, CaseIterable { case read, next, begin, refuse, inputClosed, end }

    private let bench = ExchangeBench()

    /// A tunnel, and one whose host has said that bytes flow.
    private func exchange(isOpen: Bool) -> Exchange {
        let (exchange, _) = bench.exchange("CONNECT", "a.test:1", kind: .tunnel)
        if isOpen { exchange.sendResponseHead(ResponseHead(status: 200, reason: "OK")) }
        return exchange
    }

    private func state(_ place: Place) -> SOCKSState {
        var state = SOCKSState(SOCKSNegotiation(.none))
        switch place {
        case .negotiating: break
        case .asked: _ = state.begin(exchange(isOpen: false))
        case .open: _ = state.begin(exchange(isOpen: true))
        case .refusedEarly: state.refuse()
        case .refused:
            _ = state.begin(exchange(isOpen: false))
            state.refuse()
        case .over: _ = state.end()
        }
        return state
    }

    private func name(_ state: SOCKSState) -> String {
        if state.isNegotiating { return "negotiating" }
        if state.isTunnel { return "tunnel" }
        return state.exchange == nil ? "nobody" : "refused"
    }

    private func apply(_ event: Event, to state: inout SOCKSState) -> String {
        switch event {
        case .read: return "\(state.read(ByteBuffer(bytes: [5, 1, 0])))"
        case .next:
            _ = state.read(ByteBuffer(bytes: [5, 1, 0]))
            return state.next() == nil ? "-" : "step"
        case .begin:
            _ = state.read(ByteBuffer(bytes: [5, 1, 0]))
            return "\(state.begin(exchange(isOpen: false)).readableBytes) ahead"
        case .refuse:
            state.refuse()
            return ""
        case .inputClosed: return "\(state.inputClosed())"
        case .end: return state.end() == nil ? "-" : "exchange"
        }
    }

    /// What is answered, and what the state is then.
    private static let table: [Place: [Event: (String, String)]] = [
        .negotiating: [
            .read: ("negotiate", "negotiating"), .next: ("step", "negotiating"), .begin: ("3 ahead", "tunnel"),
            .refuse: ("", "nobody"), .inputClosed: ("close", "negotiating"), .end: ("-", "nobody"),
        ],
        .asked: [
            .read: ("passOn", "tunnel"), .next: ("-", "tunnel"), .begin: ("0 ahead", "tunnel"), .refuse: ("", "refused"),
            .inputClosed: ("leave", "tunnel"), .end: ("exchange", "nobody"),
        ],
        .open: [
            .read: ("passOn", "tunnel"), .next: ("-", "tunnel"), .begin: ("0 ahead", "tunnel"), .refuse: ("", "refused"),
            .inputClosed: ("endTunnel", "tunnel"), .end: ("exchange", "nobody"),
        ],
        .refusedEarly: [
            .read: ("drop", "nobody"), .next: ("-", "nobody"), .begin: ("0 ahead", "nobody"), .refuse: ("", "nobody"),
            .inputClosed: ("close", "nobody"), .end: ("-", "nobody"),
        ],
        .refused: [
            .read: ("drop", "refused"), .next: ("-", "refused"), .begin: ("0 ahead", "refused"), .refuse: ("", "refused"),
            .inputClosed: ("close", "refused"), .end: ("exchange", "nobody"),
        ],
        .over: [
            .read: ("drop", "nobody"), .next: ("-", "nobody"), .begin: ("0 ahead", "nobody"), .refuse: ("", "nobody"),
            .inputClosed: ("close", "nobody"), .end: ("-", "nobody"),
        ],
    ]

    @Test(arguments: Place.allCases, Event.allCases)
    func `Each state with each event`(place: Place, event: Event) throws {
        let expected = try #require(Self.table[place]?[event])
        var state = state(place)
        #expect(apply(event, to: &state) == expected.0)
        #expect(name(state) == expected.1)
        #expect(state.isInputClosed == (event == .inputClosed))
    }

    @Test func `What a client said of itself is known until its exchange begins, and what it sent ahead is that one's`() {
        var state = SOCKSState(SOCKSNegotiation(.password))
        let messages: [UInt8] = [5, 1, 2, 1, 1, 97, 1, 98, 5, 1, 0, 3, 6] + Array("a.test".utf8) + [0, 80] + Array("ahead".utf8)
        // Byte by byte: nothing of it is lost on the way.
        var connected = false
        for byte in messages {
            _ = state.read(ByteBuffer(bytes: [byte]))
            while !connected, let step = state.next() { if case .connect = step { connected = true } }
        }
        #expect(connected && state.user?.name == "a")
        #expect(String(buffer: state.begin(exchange(isOpen: false))) == "ahead")
        #expect(state.user == nil)
    }
}
