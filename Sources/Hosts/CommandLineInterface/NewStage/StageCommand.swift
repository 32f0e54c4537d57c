import ArgumentParser
import Pipeline

struct StageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage", abstract: "Begin a stage of one's own.", subcommands: [New.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new",
            abstract: "Write a package with a new stage that builds, runs and passes its tests.",
            discussion: """
                The package has the stage with its configuration, a test that it conforms, a program that is this command line \
                with the stage in it, and a pipeline to try it with.

                EXAMPLES
                  fluidity stage new greeting --fluidity ../fluidity
                  cd greeting && swift test
                  swift run greeting-tunnel test greeting.yaml
                """)

        @Argument(help: "The stage's name in pipelines, in kebab-case.")
        var name: String

        @Option(help: ArgumentHelp("Where the package 'fluidity' is: a folder, or a repository's URL.", valueName: "place"))
        var fluidity: String

        @Option(help: ArgumentHelp("With a URL: the branch.", valueName: "branch"))
        var branch = "main"

        @Option(help: ArgumentHelp("The folder to write; by default one with the stage's name.", valueName: "folder"))
        var into: String?

        func run() throws {
            guard let template = StageTemplate(name: name, fluidity: fluidity, branch: branch, into: into ?? name) else {
                throw ValidationError(
                    "'\(name)' is no name for a stage: lower-case words joined by hyphens, such as 'request-log'")
            }
            guard KnownStages.registry.factory(named: name) == nil else {
                throw ValidationError("there is a stage '\(name)' already")
            }
            if let missing = StageTemplate.missing(at: fluidity) {
                throw ValidationError(
                    "\(missing); --fluidity names the folder of Fluidity's source, or the URL of its repository")
            }
            do {
                try template.write()
            } catch {
                Reporting.write("error: \(error)")
                throw ExitCode(73)
            }
            print(
                """
                \(template.folder) has a stage '\(name)'. Next:

                  cd \(template.folder)
                  swift test
                  swift run \(name)-tunnel test \(name).yaml
                  swift run \(name)-tunnel server --config \(name).yaml
                """)
        }
    }
}
