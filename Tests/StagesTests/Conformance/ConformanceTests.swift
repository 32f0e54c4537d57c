import Foundation
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
        // Of its own, for what an example's stage writes.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fluidity-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let request = TestRequest(certificate: certificate)
        try await StageConformance(factory, directory: folder.path, request: request).check()
    }
}
