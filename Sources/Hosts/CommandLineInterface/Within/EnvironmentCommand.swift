import ArgumentParser
import Pipeline

/// `fluidity env`.
struct EnvironmentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print the variables by which a shell's programs use the agent.",
        discussion: """
            EXAMPLES
              eval "$(fluidity env)"
              eval "$(fluidity env --unset)"
            """)

    @Flag(help: "Print what takes them back.")
    var unset = false

    @Option(name: .shortAndLong, help: "The agent's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            for (name, value) in try OwnProxy(config, options).variables(program: OwnProgram.path) {
                print(unset ? "unset \(name)" : "export \(name)=\(ShellText.quoted(value))")
            }
        }
    }
}
