import Pipeline
import Testing

@testable import TunnelStages

/// RFC 9110, 7.6.2.
@Suite struct MaxForwardsTests {
    private func request(_ method: String, _ values: [String]) -> RequestHead {
        RequestHead(
            method: method, scheme: .http, authority: "a", path: "/", fields: HeaderFields(values.map { ("max-forwards", $0) }))
    }

    @Test(arguments: [
        ("OPTIONS", ["5"], ["4"]), ("TRACE", ["1"], ["0"]), ("OPTIONS", ["99999999999999999999"], ["999999999"]),
        ("OPTIONS", [], []), ("OPTIONS", ["x"], ["x"]), ("OPTIONS", ["-1"], ["-1"]), ("OPTIONS", [""], [""]),
        // For other methods it means nothing.
        ("GET", ["5"], ["5"]), ("GET", ["0"], ["0"]),
    ])
    func `What goes on`(_ method: String, _ values: [String], _ expected: [String]) {
        var head = request(method, values)
        #expect(MaxForwards.count(&head) == nil && head.fields["Max-Forwards"] == expected)
    }

    @Test(arguments: [("OPTIONS", 200), ("TRACE", 405)]) func `What goes no further`(_ method: String, _ status: Int) {
        var head = request(method, ["0"])
        let answer = MaxForwards.count(&head)
        #expect(answer?.head.status == status && answer?.head.fields.contains("Allow") == true)
    }
}
