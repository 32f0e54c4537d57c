import ArgumentParser
import Pipeline

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask a running agent or server whether it is ready.",
        discussion: """
            Asks the admin listener that the configuration file names, as a container's health check does. Ends with status 0 \
            if it is ready, 1 if it says that it isn't and why, 69 if nothing answers.

            EXAMPLES
              fluidity health --config /etc/fluidity/server.yaml
              fluidity health --config agent.yaml --live
            """)

    @Option(name: .shortAndLong, help: "The configuration file of the agent or server.")
    var config: String

    @Flag(help: "Ask only whether it lives, not whether it is ready.")
    var live = false

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            let client = try AdminClient(config, options)
            let answer = try await client.ask(live ? "/livez" : "/readyz")
            guard answer.status == 200 || answer.status == 503 else {
                throw StageError(
                    .unavailable,
                    "what answers at \(client.listen) is no admin listener that may be asked by this name: it answers \(answer.status)"
                )
            }
            guard answer.status == 200 else {
                Reporting.write(answer.text)
                throw ExitCode.failure
            }
            print(answer.text, terminator: answer.text.hasSuffix("\n") ? "" : "\n")
        }
    }
}
