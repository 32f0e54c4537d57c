import Pipeline
import StageTesting
import Stages
import Testing

/// Every stage that comes with the program keeps what stages promise.
@Suite struct ConformanceTests {
    @Test(arguments: StageRegistry.standard().names)
    func builtInStage(_ name: String) async throws {
        let factory = try #require(StageRegistry.standard().factory(named: name))
        try await check(factory)
    }

    private func check(_ factory: some StageFactory) async throws {
        // With a name, for those that let nobody pass without.
        let certificate = PeerIdentity(
            subject: "CN=ann", commonName: "ann", dnsNames: [], uris: [], publicKeyHash: String(repeating: "0", count: 64))
        try await StageConformance(factory, request: TestRequest(certificate: certificate)).check()
    }
}
