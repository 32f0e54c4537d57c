import Pipeline
import StageTesting
import Stages
import Testing

/// Every stage that comes with the program keeps what stages promise.
@Suite struct ConformanceTests {
    @Test(arguments: StageRegistry.standard().names.filter(ConformanceTests.isDescribed))
    func builtInStage(_ name: String) async throws {
        let factory = try #require(StageRegistry.standard().factory(named: name))
        try await check(factory)
    }

    static func isDescribed(_ name: String) -> Bool {
        StageRegistry.standard().factory(named: name).map { !type(of: $0).reference.example.isEmpty } ?? false
    }

    private func check(_ factory: some StageFactory) async throws {
        try await StageConformance(factory).check()
    }
}
