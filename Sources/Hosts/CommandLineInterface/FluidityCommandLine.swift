import ArgumentParser
public import Pipeline
import Platform
import TunnelStages

/// The `fluidity` command line, with the stages of whoever runs it.
public enum FluidityCommandLine {
    /// The program's version, as `fluidity --version` prints it.
    public static let version = ProgramVersion.number

    /// Parses the process's arguments, runs what they ask for and ends the process with its status: 0, 64 for wrong usage, 65
    /// for a configuration that can't work, 69 for a resource that can't be had, 73 for a file that can't be made.
    public static func run(stages: StageRegistry) async -> Never {
        ProxyScriptChild.isEvaluated(by: EvaluateScriptCommand.words)
        await KnownStages.$registry.withValue(stages) {
            do {
                try CommandName.check(ProgramArguments.words)
                var command = try RootCommand.parseAsRoot(ProgramArguments.words)
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
            } catch {
                await Reporting.finish()
                RootCommand.exit(withError: error)
            }
        }
        await Reporting.finish()
        RootCommand.exit()
    }
}

struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fluidity",
        abstract: "An HTTP tunnel whose ends are lists of stages.",
        discussion: """
            The agent is an HTTP proxy on this machine; it carries every exchange over mutually authenticated TLS 1.3 to the \
            server, which fetches it from its origin. Both are assembled from YAML.

            EXAMPLES
              fluidity server --new                         on the machine that fetches
              fluidity invite laptop                        there, too
              fluidity join fluidity-join-1.… --run         on the laptop, with the line that 'invite' prints
              fluidity run -- curl https://example.com/
            """,
        version: FluidityCommandLine.version,
        subcommands: [EvaluateScriptCommand.self],
        groupedSubcommands: [
            CommandGroup(
                name: "Run",
                subcommands: [
                    AgentCommand.self, ServerCommand.self, ControlCommand.self, UpCommand.self, RunCommand.self,
                    EnvironmentCommand.self, SSHProxyCommand.self,
                ]),
            CommandGroup(
                name: "Check",
                subcommands: [
                    CheckCommand.self, DoctorCommand.self, TestCommand.self, ExplainCommand.self, DiffCommand.self,
                    EgressCommand.self,
                    PrintCommand.self,
                    GraphCommand.self,
                ]),
            CommandGroup(
                name: "Join",
                subcommands: [
                    InitCommand.self, InviteCommand.self, JoinCommand.self, AgentsCommand.self, ExportCommand.self,
                    CertificateCommand.self, PasswordCommand.self,
                ]),
            CommandGroup(
                name: "See",
                subcommands: [
                    HealthCommand.self, TopCommand.self, SessionsCommand.self, ExchangesCommand.self, StagesCommand.self,
                    SchemaCommand.self,
                ]),
            CommandGroup(name: "Operate", subcommands: [ReloadCommand.self, SimulateCommand.self, MigrateCommand.self]),
            CommandGroup(name: "Extend", subcommands: [StageCommand.self, BuildCommand.self]),
        ])
}
