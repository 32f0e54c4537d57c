import Testing

@testable import TunnelStages

/// Every state with every event.
@Suite struct WebSocketEndsTests {
    enum Event: CaseIterable {
        case opened, endOutput, close, reset, complete, completeForWriter, failed, violation, transport

        func apply(to ends: inout WebSocketEnds) -> WebSocketEnds.Action {
            switch self {
            case .opened:
                ends.opened()
                return .nothing
            case .endOutput: return ends.endOutput()
            case .close: return ends.close(isReset: false)
            case .reset: return ends.close(isReset: true)
            case .complete: return ends.inputEnded(1000, mayWrite: false)
            case .completeForWriter: return ends.inputEnded(1005, mayWrite: true)
            case .failed: return ends.inputEnded(1011, mayWrite: true)
            case .violation: return ends.violated(.protocolError)
            case .transport: return ends.transportEnded()
            }
        }
    }

    /// The action, and whether the two directions are open afterwards.
    typealias Outcome = (WebSocketEnds.Action, reads: Bool, writes: Bool)

    /// Nothing is open any more, and who closes or finds fault has the connection closed.
    private static var over: [Event: Outcome] {
        var outcomes: [Event: Outcome] = [:]
        for event in Event.allCases {
            outcomes[event] = ([.close, .reset, .violation].contains(event) ? .end : .nothing, false, false)
        }
        return outcomes
    }

    /// The ways to the states, and what each event does there.
    static let table: [(state: String, way: [Event], outcomes: [Event: Outcome])] = [
        (
            "opening", [],
            [
                .opened: (.nothing, true, true), .endOutput: (.end, false, false), .close: (.end, false, false),
                .reset: (.end, false, false), .complete: (.nothing, false, false), .completeForWriter: (.nothing, false, false),
                .failed: (.nothing, false, false), .violation: (.end, false, false), .transport: (.nothing, false, false),
            ]
        ),
        (
            "open", [.opened],
            [
                .opened: (.nothing, true, true), .endOutput: (.tell(1000), true, false), .close: (.tellAndEnd(1000), false, false),
                .reset: (.end, false, false), .complete: (.tellAndEnd(1000), false, false),
                .completeForWriter: (.endInput, false, true), .failed: (.lose, false, false),
                .violation: (.tellAndEnd(1002), false, false), .transport: (.lose, false, false),
            ]
        ),
        (
            "output ended", [.opened, .endOutput],
            [
                .opened: (.nothing, true, false), .endOutput: (.nothing, true, false), .close: (.end, false, false),
                .reset: (.end, false, false), .complete: (.endInputAndConnection, false, false),
                .completeForWriter: (.endInputAndConnection, false, false), .failed: (.lose, false, false),
                .violation: (.end, false, false), .transport: (.lose, false, false),
            ]
        ),
        (
            "input ended", [.opened, .completeForWriter],
            [
                .opened: (.nothing, false, true), .endOutput: (.tellBehindWritesAndEnd(1000), false, false),
                .close: (.tellAndEnd(1000), false, false), .reset: (.end, false, false), .complete: (.nothing, false, true),
                .completeForWriter: (.nothing, false, true), .failed: (.nothing, false, true),
                .violation: (.tellAndEnd(1002), false, false), .transport: (.nothing, false, true),
            ]
        ),
        (
            "over", [.opened, .close], over
        ),
    ]

    @Test(arguments: table.indices) func everyEvent(_ row: Int) throws {
        let (state, way, outcomes) = Self.table[row]
        for event in Event.allCases {
            var ends = WebSocketEnds()
            for step in way { _ = step.apply(to: &ends) }
            let (action, reads, writes) = try #require(outcomes[event])
            let found = event.apply(to: &ends)
            #expect(found == action, "\(event) while \(state)")
            #expect(ends.reads == reads && ends.writes == writes, "after \(event) while \(state)")
        }
    }

    @Test(arguments: [
        (1000, true), (1001, true), (1005, true), (1002, false), (1006, false), (1009, false), (1011, false), (4000, false),
    ])
    func whichCodesAreAnEnd(_ code: Int, _ isComplete: Bool) { #expect(WebSocketEnds.isComplete(code) == isComplete) }
}
