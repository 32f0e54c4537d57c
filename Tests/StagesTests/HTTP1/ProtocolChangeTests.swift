import Testing
import TunnelStages

/// RFC 9110, 7.8.
@Suite struct ProtocolChangeTests {
    @Test(
        arguments: [
            (["websocket"], "websocket", true), (["websocket"], "WebSocket", true), (["a/1, websocket"], "websocket/13", true),
            (["a", "b"], "b", true), (["a, b"], "a, b", true),
            (["websocket"], "other", false), (["websocket"], "websocket, other", false), (["websocket"], nil, false),
            (["websocket"], ",", false), ([], "websocket", false), (["websockets"], "websocket", false),
        ] as [([String], String?, Bool)])
    func `Only what was asked for is agreed to`(_ offered: [String], _ agreed: String?, _ expected: Bool) {
        #expect(ProtocolChange.isAmong(offered, agreed) == expected)
    }
}
