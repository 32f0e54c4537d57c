import Pipeline

/// The stages of the program that the commands run in.
enum KnownStages {
    @TaskLocal static var registry = StageRegistry()
}
