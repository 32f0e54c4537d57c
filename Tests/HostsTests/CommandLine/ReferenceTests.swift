import CommandLineInterface
import Pipeline
import Stages
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
        try Golden.expect(ConfigurationSchema(.samples).json.pretty, "schema.json")
    }
}
