import Testing

@testable import TunnelStages

/// The two ends of a stream of HTTP/2.
@Suite struct H2StreamStateTests {
    enum Event { case write, flush, end }

    /// Whether the connection is leaving when each event comes, and what they come to.
    @Test(
        arguments: [
            ([(.write, false), (.write, false), (.flush, false), (.end, false)], [.go, .go, .go, .go]),
            ([(.write, true)], [.giveBack]), ([(.flush, true)], [.giveBack]), ([(.end, true)], [.giveBack]),
            // What the server knows of goes on.
            ([(.write, false), (.write, true), (.flush, true), (.end, true)], [.go, .go, .go, .go]),
            ([(.flush, false), (.end, true)], [.go, .go]),
            // The end has left, and there is only one.
            ([(.end, false), (.flush, false), (.end, false)], [.go, .nothing, .nothing]),
            ([(.end, true), (.end, true), (.flush, true), (.write, true)], [.giveBack, .nothing, .nothing, .nothing]),
            ([(.write, true), (.write, false), (.flush, false), (.end, false)], [.giveBack, .nothing, .nothing, .nothing]),
            ([(.flush, true), (.end, false)], [.giveBack, .nothing]),
            // Bytes of a WebSocket come behind the end of what asked for it.
            ([(.end, false), (.write, false)], [.go, .go]),
        ] as [([(Event, Bool)], [H2ClientStreamState.Write])])
    func `A request is written, or given back while the server doesn't know of it`(
        _ events: [(Event, Bool)], _ expected: [H2ClientStreamState.Write]
    ) {
        var state = H2ClientStreamState()
        let writes = events.map { event, isLeaving in
            switch event {
            case .write: state.write(isLeaving: isLeaving)
            case .flush: state.flush(isLeaving: isLeaving)
            case .end: state.end(isLeaving: isLeaving)
            }
        }
        #expect(writes == expected)
    }

    @Test func `Fields are heads until a final one has come, then trailers, and nothing in a tunnel`() {
        var state = H2ClientStreamState()
        for isTunnel in [false, true] { #expect(state.fields(isTunnel: isTunnel) == .head) }
        #expect(state.receiveInformational() == true)
        #expect(state.fields(isTunnel: false) == .head)
        state.receiveFinal()
        #expect(state.fields(isTunnel: false) == .trailers && state.fields(isTunnel: true) == .violation)
        #expect(state.receiveInformational() == false)
    }

    @Test func `Informational heads have a limit`() {
        var state = H2ClientStreamState()
        let taken = (0..<H2ClientStreamState.informationalLimit + 1).map { _ in state.receiveInformational() }
        #expect(taken.filter { $0 }.count == H2ClientStreamState.informationalLimit && taken.last == false)
    }

    @Test func `A delivery is over when it is`() {
        var client = H2ClientStreamState()
        var server = H2ServerStreamState()
        #expect(!client.isDelivering && !server.isDelivering)
        client.beginDelivery()
        server.beginDelivery()
        #expect(client.isDelivering && server.isDelivering)
        client.endDelivery()
        server.endDelivery()
        #expect(!client.isDelivering && !server.isDelivering)
    }

    /// Whether the request is over with its head, whether its end comes later, whether it is a tunnel, and how the response ends.
    @Test(
        arguments: [
            (true, false, false, .end), (false, false, false, .endAndDismiss), (false, true, false, .end),
            (false, false, true, .end),
            (false, true, true, .end),
        ] as [(Bool, Bool, Bool, H2ServerStreamState.End)])
    func `A client that isn't heard out is told so behind the whole answer`(
        _ isWhole: Bool, _ ends: Bool, _ opensTunnel: Bool, _ end: H2ServerStreamState.End
    ) {
        var state = H2ServerStreamState()
        #expect(!state.hasBegun && !state.isResponseComplete)
        let first = state.receive(isLast: isWhole, isTunnel: false)
        #expect(first == .head && state.hasBegun && !state.isResponseComplete)
        if ends { state.requestEnded() }
        let actual = state.end(opensTunnel: opensTunnel)
        #expect(actual == end && state.isResponseComplete)
    }

    @Test(arguments: [(false, .trailers), (true, .violation)] as [(Bool, H2ServerStreamState.Fields)])
    func `A second block of fields is trailers, and none in a tunnel`(_ isTunnel: Bool, _ expected: H2ServerStreamState.Fields) {
        var state = H2ServerStreamState()
        _ = state.receive(isLast: false, isTunnel: false)
        let second = state.receive(isLast: true, isTunnel: isTunnel)
        #expect(second == expected)
        state.requestEnded()
        let third = state.receive(isLast: true, isTunnel: isTunnel)
        #expect(third == expected)
    }
}
