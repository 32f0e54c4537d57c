import Testing

@testable import TunnelStages

@Suite("Who may ask the admin listener")
struct AdminGateTests {
    private static let bearer = "Bearer s3cret"
    /// `anybody:s3cret`
    private static let basic = "Basic YW55Ym9keTpzM2NyZXQ="

    private static func request(
        host: String = "127.0.0.1", authorization: String? = nil, site: String? = nil, isOperators: Bool = false,
        isNavigation: Bool = false, isLocal: Bool = true
    ) -> AdminGate.Request {
        .init(
            host: host, authorization: authorization, fetchSite: site, isOperators: isOperators, isNavigation: isNavigation,
            isLocal: isLocal)
    }

    @Test(
        "It is asked by an address, by localhost, or by a name that was given",
        arguments: [
            ("127.0.0.1", true), ("::1", true), ("192.0.2.7", true), ("LOCALHOST", true), ("admin.internal", true),
            ("Admin.Internal", true), ("rebound.example", false), ("localhost.example", false), ("", false),
        ])
    func names(host: String, mayAsk: Bool) {
        let gate = AdminGate(names: ["Admin.internal"], token: nil)
        for audience in [AdminQuestion.Audience.anybody, .trusted] {
            #expect((gate.refusal(of: Self.request(host: host), from: audience) == nil) == mayAsk)
        }
    }

    @Test("Without a token, this machine alone sees what people do")
    func withoutToken() {
        let gate = AdminGate(names: [], token: nil)
        #expect(gate.refusal(of: Self.request(isLocal: false), from: .anybody) == nil)
        #expect(gate.refusal(of: Self.request(isLocal: false), from: .trusted) == .needsToken)
        #expect(gate.refusal(of: Self.request(authorization: Self.bearer, isLocal: false), from: .trusted) == .needsToken)
        #expect(gate.refusal(of: Self.request(), from: .trusted) == nil)
    }

    @Test(
        "With a token, whoever sees what people do has to know it, wherever he is",
        arguments: [
            (bearer, true), ("bearer s3cret", true), (basic, true), ("Basic OnMzY3JldA==", true), (nil, false), ("", false),
            ("Bearer", false), ("Bearer S3cret", false), ("Bearer s3cret ", false), ("Bearer s3cre", false),
            ("Basic s3cret", false),
            ("Basic YW55Ym9keQ==", false), ("Digest s3cret", false), ("s3cret", false),
        ] as [(String?, Bool)])
    func withToken(authorization: String?, mayAsk: Bool) {
        let gate = AdminGate(names: [], token: "s3cret")
        for isLocal in [true, false] {
            let request = Self.request(authorization: authorization, isLocal: isLocal)
            #expect(gate.refusal(of: request, from: .trusted) == (mayAsk ? nil : .token))
            #expect(gate.refusal(of: request, from: .anybody) == nil)
        }
    }

    @Test("What changes something wants the field, which a foreign site can't send")
    func operators() {
        let gate = AdminGate(names: [], token: nil)
        #expect(gate.refusal(of: Self.request(), from: .operators) == .field)
        #expect(gate.refusal(of: Self.request(isOperators: true), from: .operators) == nil)
        let guarded = AdminGate(names: [], token: "s3cret")
        #expect(guarded.refusal(of: Self.request(isOperators: true), from: .operators) == .token)
        #expect(guarded.refusal(of: Self.request(authorization: Self.bearer), from: .operators) == .field)
    }

    @Test(
        "Another site reads nothing; a link on it leads here, and changes nothing",
        arguments: ["cross-site", "same-site", "else"])
    func sites(site: String) {
        let gate = AdminGate(names: [], token: nil)
        #expect(gate.refusal(of: Self.request(site: site), from: .trusted) == .site)
        #expect(gate.refusal(of: Self.request(site: site, isNavigation: true), from: .trusted) == nil)
        #expect(gate.refusal(of: Self.request(site: site, isOperators: true, isNavigation: true), from: .operators) == .site)
        #expect(gate.refusal(of: Self.request(site: site), from: .anybody) == nil)
        for own in ["same-origin", "none"] { #expect(gate.refusal(of: Self.request(site: own), from: .trusted) == nil) }
    }
}
