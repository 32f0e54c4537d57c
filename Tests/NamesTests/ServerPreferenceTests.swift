import NIOCore
import Testing

@testable import Names

@Suite struct ServerPreferenceTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var count: Int
        var first: Int
        var servers: Int
        var preferred: Int
        var testDescription: String { "\(count) of \(servers) from \(first)" }
    }

    @Test(arguments: [
        Case(count: 1, first: 0, servers: 2, preferred: 1), Case(count: 2, first: 0, servers: 3, preferred: 2),
        Case(count: 1, first: 2, servers: 3, preferred: 0),
        // All had their time, and the first has answered after all.
        Case(count: 2, first: 0, servers: 2, preferred: 0), Case(count: 3, first: 0, servers: 2, preferred: 1),
        Case(count: 1, first: 0, servers: 1, preferred: 0),
    ])
    func `The one that answered is asked first for a while`(test: Case) {
        var preference = ServerPreference()
        #expect(preference.first(at: .seconds(0)) == 0)
        preference.heard(behind: test.count, from: test.first, of: test.servers, at: .seconds(0))
        #expect(preference.first(at: .seconds(59)) == test.preferred)
        #expect(preference.first(at: .seconds(60)) == 0)
    }
}
