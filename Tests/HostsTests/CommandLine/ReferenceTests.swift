import CommandLineInterface
import Pipeline
import Testing

/// What is made of a stage's description of itself.
@Suite struct ReferenceTests {
    @Test func textOfAStage() throws {
        try Golden.expect(StageDescription(SampleFilter()).text, "stage.txt")
    }

    @Test func jsonOfAStage() throws {
        try Golden.expect(StageDescription(SampleFilter()).json.pretty, "stage.json")
    }

    @Test func pageOfAStage() throws {
        try Golden.expect(StageDescription(SampleFilter()).markdown, "stage.md")
    }

    @Test func pageOfAllStages() throws {
        let stages = StageRegistry.samples.factories.map { StageDescription($0) }
        try Golden.expect(StageDescription.markdownIndex(stages), "stages.md")
    }

    @Test func schemaOfAFile() throws {
        guard case .object(let members) = ConfigurationSchema(.samples).json else {
            Issue.record("the schema is no object")
            return
        }
        // A file's own keys come and go; what is said of stages is compared whole.
        try Golden.expect(JSON.object(members.filter { $0.name != "properties" }).pretty, "schema.json")
        let keys = members.first { $0.name == "properties" }?.value
        guard case .object(let properties)? = keys else {
            Issue.record("the schema has no properties")
            return
        }
        #expect(Set(properties.map(\.name)).isSuperset(of: ["host", "pipeline", "log", "drain", "event-loops", "tests"]))
    }
}
